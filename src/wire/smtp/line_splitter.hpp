// Command lines out of a stream of octets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postrider::wire::smtp {

enum class LineResult : std::uint8_t {
  need_more,  // no whole line yet
  line,       // `line` is one command, without its CRLF
  bare_lf,    // ended by LF alone: refused with 554 5.6.0 class of reply, never executed; RFC 5321 2.3.8
  bad_octet,  // a NUL, or a CR that is not followed by LF, within the line
  too_long,   // more than the limit without an LF: `consumed` octets are to be dropped
};

struct Line {
  LineResult result = LineResult::need_more;
  std::string_view text;
  std::size_t consumed = 0;  // octets of the buffer that this line took, with its line end
};

// Looks for the first line in `buffer`; stateless. `limit` counts octets with CRLF.
// A line that is too long is consumed up to and including its LF where that is in the buffer, else whole
// (the caller goes on dropping until an LF came).
Line next_line(std::string_view buffer, std::size_t limit);

}  // namespace postrider::wire::smtp
