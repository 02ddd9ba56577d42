// A local program's message with its line ends put right: the one place where that is done. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::wire::submit {

// Text whose lines all end with CRLF, the last one too, and that has no CR and no LF beside these. Only Intake makes it.
class CrlfText {
 public:
  CrlfText() = default;
  const std::string& bytes() const { return bytes_; }
  bool operator==(const CrlfText&) const = default;

 private:
  friend class Intake;
  explicit CrlfText(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes_;
};

enum class LoneDot : bool { is_text, ends };

// Takes a message in pieces of any size, as a pipe gives them. LF ends a line, with any CRs before it; a CR that no LF
// follows ends one as well (a progress bar in the output of a cron job).
class Intake {
 public:
  // `most`: octets of the result; what comes after is not kept.
  Intake(LoneDot dot, std::size_t most) : dot_(dot), most_(most) {}

  // False: nothing more is wanted, as a line with a dot alone has come, or it is too much.
  bool feed(std::string_view piece);
  bool too_large() const { return too_large_; }
  // The message; a last line without an end gets one.
  CrlfText finish() &&;

 private:
  void end_line();
  void end_lines_of_crs();
  bool line_is_dot() const { return std::string_view(out_).substr(line_) == "."; }

  LoneDot dot_;
  std::size_t most_;
  std::string out_;
  std::size_t line_ = 0;  // where the line begins that no LF has ended yet
  std::size_t crs_ = 0;   // that came and have not been decided about
  bool ended_ = false;
  bool too_large_ = false;
};

}  // namespace postrider::wire::submit
