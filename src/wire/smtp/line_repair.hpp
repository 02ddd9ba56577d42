// Line ends of mail from our own users, made CRLF where a setting wants that. Everywhere else they are refused: what one
// server repairs and another takes for the end of a message is how mail is smuggled.
#pragma once

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
  // `transparency`: behind a line end that was repaired a dot goes, as DATA's rule is for all others. RFC 5321 4.5.2
  explicit LineRepair(DecoderLimits limits, bool transparency);

  // Appends to `out`. A CR at the very end is kept until it is known what follows.
  void feed(std::string_view content, std::string& out);
  void finish(std::string& out);

  bool line_too_long() const { return too_long_; }
  std::uint64_t repaired() const { return repaired_; }

 private:
  void mend(std::string& out);
  void end_line(std::string& out);
  void plain(std::string_view text, std::string& out);

  std::size_t limit_;
  bool transparency_;
  bool cr_ = false;          // the last octet, not written yet
  bool after_mend_ = false;  // the next octet begins a line behind a repaired end
  bool too_long_ = false;
  std::size_t length_ = 0;  // of the line so far
  std::uint64_t repaired_ = 0;
};

}  // namespace postrider::wire::smtp
