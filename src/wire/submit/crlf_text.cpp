#include "wire/submit/crlf_text.hpp"

#include <algorithm>

namespace postrider::wire::submit {

bool Intake::feed(std::string_view piece) {
  while (!piece.empty() && !ended_ && !too_large_) {
    const std::size_t end = std::min(piece.find_first_of("\r\n"), piece.size());
    if (end > 0) {
      end_lines_of_crs();
      out_ += piece.substr(0, end);
    } else if (piece.front() == '\n') {
      end_line();
    } else {
      ++crs_;
    }
    piece.remove_prefix(end > 0 ? end : 1);
    too_large_ = out_.size() + 2 * crs_ > most_;
  }
  return !ended_ && !too_large_;
}

void Intake::end_line() {
  crs_ = 0;
  if (dot_ == LoneDot::ends && line_is_dot()) {
    out_.resize(line_);
    ended_ = true;
    return;
  }
  out_ += "\r\n";
  line_ = out_.size();
}

void Intake::end_lines_of_crs() {
  for (; crs_ > 0; --crs_) out_ += "\r\n";
}

CrlfText Intake::finish() && {
  if (!ended_) {
    const bool dot = dot_ == LoneDot::ends && line_is_dot();
    if (dot) out_.resize(line_);
    end_lines_of_crs();
    if (!out_.empty() && !out_.ends_with('\n')) out_ += "\r\n";
  }
  return CrlfText(std::move(out_));
}

}  // namespace postrider::wire::submit
