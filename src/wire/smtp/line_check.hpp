// The rules for lines of content, at the speed of the memory. Used by DataDecoder and ChunkDecoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postrider::wire::smtp {

// The first fault found in the content of a message.
enum class ContentFault : std::uint8_t {
  none,
  bare_cr,        // CR without LF; RFC 5321 2.3.8
  bare_lf,        // LF without CR
  line_too_long,  // longer than DecoderLimits::line
};

enum class Dots : bool { ordinary, stop_at_line_start };

// Keeps the length of the line and the first fault. Its caller tells it of each octet once: by skip(), or by
// one of the others. A CR counts as an octet of the line only when it is known to be bare.
class LineCheck {
 public:
  // `limit`: octets of a line without CRLF; never less than 998 (RFC 5321 4.5.3.1.6).
  explicit LineCheck(std::size_t limit);

  // Takes a prefix of `text` in which all is well, in whole blocks, and returns its size: no bare CR or LF,
  // no CR at its end, and (as `dots` says) no dot at the start of a line. 0 where the first block holds such
  // a thing or is not whole.
  std::size_t skip(std::string_view text, Dots dots);
  void octet();
  void crlf() { length_ = 0; }
  void bare(ContentFault fault);

  bool at_line_start() const { return length_ == 0; }
  ContentFault fault() const { return fault_; }

 private:
  void note(ContentFault fault);

  std::size_t limit_;
  std::size_t length_ = 0;  // of the line so far
  ContentFault fault_ = ContentFault::none;
};

}  // namespace postrider::wire::smtp
