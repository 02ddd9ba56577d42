// Line ends of mail from our own users, made CRLF where a setting wants that. Everywhere else they are refused: what one
// server repairs and another takes for the end of a message is how mail is smuggled.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/smtp/data_decoder.hpp"

namespace postrider::wire::smtp {

// Takes the content that DataDecoder or ChunkDecoder let through, in pieces of any size. A CR or LF that is not half of a CRLF
// becomes a CRLF. Where the message was end of data is not its matter: that was CRLF.CRLF and nothing else.
class LineRepair {
 public:
  explicit LineRepair(DecoderLimits limits) : limit_(std::max<std::size_t>(limits.line, 998)) {}

  // Behind a line end that was mended, in DATA, a dot goes, as it does behind all others. RFC 5321 4.5.2
  enum class From : bool { data, bdat };
  // Appends to `out`. A CR at the very end is kept until it is known what follows.
  void feed(std::string_view content, From from, std::string& out);
  void finish(std::string& out);

  bool line_too_long() const { return too_long_; }
  std::uint64_t repaired() const { return repaired_; }

 private:
  void mend(std::string& out);
  void end_line(std::string& out);
  void plain(std::string_view text, From from, std::string& out);

  std::size_t limit_;
  bool cr_ = false;          // the last octet, not written yet
  bool after_mend_ = false;  // the next octet begins a line behind a repaired end
  bool too_long_ = false;
  std::size_t length_ = 0;  // of the line so far
  std::uint64_t repaired_ = 0;
};

}  // namespace postrider::wire::smtp
