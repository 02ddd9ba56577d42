// The one decoder of message content: DATA with its dots, and BDAT without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/smtp/line_check.hpp"

namespace postrider::wire::smtp {

struct DecoderLimits {
  // Octets without CRLF and without the dot that transparency added. RFC 5321 4.5.3.1.6 asks for 998 at
  // least; a lower value counts as 998.
  std::size_t line = 1u << 20;
};

// One piece of progress. `content` is a view into the input or into static storage; valid until the input is.
struct Step {
  std::size_t consumed = 0;  // octets of the input that are done with; may be 0 where content is not empty
  std::string_view content;  // octets of the message, dots removed; may be empty
  bool ended = false;        // CRLF.CRLF was seen; what follows in the input is the next command
};

// Strict: the end is exactly CRLF.CRLF (or .CRLF as the very first line); "\n.\n", "\r.\r", "\r\n.\n" and
// their kin are faults and not ends. RFC 5321 4.1.1.4
// Call step() again and again with the rest of the input until consumed is all of it or ended. How the input
// is cut into pieces makes no difference. After a fault all goes on, so that the client is answered at the
// end of its data; the content is then to be thrown away. NUL is an octet like any other. Not for use after
// the end.
class DataDecoder {
 public:
  explicit DataDecoder(DecoderLimits limits = {}) : check_(limits.line) {}

  Step step(std::string_view input);
  // The first one found. Final when step() said ended.
  ContentFault fault() const { return check_.fault(); }

 private:
  // What has been consumed and not yet handed out.
  enum class Held : std::uint8_t { nothing, cr, dot, dot_cr };

  Step resolve_cr(char next);
  Step scan(std::string_view input);
  void take(char octet);

  LineCheck check_;
  Held held_ = Held::nothing;
};

// BDAT chunks: no dots, no end; the same rules for CR and LF, since without BINARYMIME a message is lines.
// RFC 3030 3
class ChunkDecoder {
 public:
  explicit ChunkDecoder(DecoderLimits limits = {}) : check_(limits.line) {}

  // Checks the next octets of the message. A CR at the very end of a chunk may find its LF in the next one.
  void feed(std::string_view input);
  // At BDAT LAST: a CR that still waits for its LF is a fault.
  void finish();
  ContentFault fault() const { return check_.fault(); }

 private:
  LineCheck check_;
  bool cr_ = false;  // the last octet was a CR
};

}  // namespace postrider::wire::smtp
