// The one decoder of message content: DATA with its dots, and BDAT without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postrider::wire::smtp {

// Content fault, the first one found. Reading goes on to the end of the data so that the client is answered
// there.
enum class ContentFault : std::uint8_t {
  none,
  bare_cr,        // CR without LF; RFC 5321 2.3.8
  bare_lf,        // LF without CR
  line_too_long,  // longer than DecoderLimits::line
};

struct DecoderLimits {
  std::size_t line = 1u << 20;  // octets without CRLF; RFC 5321 4.5.3.1.6 asks for 998 at least
};

// One piece of progress. `content` is a view into the input or into static storage; valid until the input is.
struct Step {
  std::size_t consumed = 0;  // octets of the input that are done with
  std::string_view content;  // octets of the message, dots removed; may be empty
  bool ended = false;        // CRLF.CRLF was seen; what follows in the input is the next command
};

// Strict: the end is exactly CRLF.CRLF (or .CRLF as the very first line); "\n.\n", "\r.\r", "\r\n.\n" and
// their kin are faults and not ends. RFC 5321 4.1.1.4 Call step() again and again with the rest of the input
// until consumed is all of it or ended.
class DataDecoder {
 public:
  explicit DataDecoder(DecoderLimits limits = {}) : limits_(limits) {}

  Step step(std::string_view input);
  ContentFault fault() const { return fault_; }

 private:
  DecoderLimits limits_;
  ContentFault fault_ = ContentFault::none;
};

// BDAT chunks: no dots, no end; the same rules for CR and LF, since without BINARYMIME a message is lines.
// RFC 3030 3
class ChunkDecoder {
 public:
  explicit ChunkDecoder(DecoderLimits limits = {}) : limits_(limits) {}

  // Checks the next octets of the message. A CR at the very end of a chunk may find its LF in the next one.
  void feed(std::string_view input);
  // At BDAT LAST: a CR that still waits for its LF is a fault.
  void finish();
  ContentFault fault() const { return fault_; }

 private:
  DecoderLimits limits_;
  ContentFault fault_ = ContentFault::none;
};

}  // namespace postrider::wire::smtp
