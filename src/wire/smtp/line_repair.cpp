#include "wire/smtp/line_repair.hpp"

namespace postrider::wire::smtp {

void LineRepair::plain(std::string_view text, From from, std::string& out) {
  if (text.empty()) return;
  if (after_mend_ && from == From::data && text.front() == '.') text.remove_prefix(1);
  after_mend_ = false;
  length_ += text.size();
  too_long_ |= length_ > limit_;
  out += text;
}

void LineRepair::end_line(std::string& out) {
  out += "\r\n";
  length_ = 0;
  after_mend_ = false;
}

void LineRepair::mend(std::string& out) {
  end_line(out);
  after_mend_ = true;
  ++repaired_;
}

void LineRepair::feed(std::string_view content, From from, std::string& out) {
  while (!content.empty()) {
    if (cr_) {
      cr_ = false;
      if (content.front() == '\n') {
        end_line(out);
        content.remove_prefix(1);
      } else {
        mend(out);
      }
      continue;
    }
    const std::size_t end = content.find_first_of("\r\n");
    plain(content.substr(0, end), from, out);
    if (end == std::string_view::npos) return;
    if (content[end] == '\r')
      cr_ = true;
    else
      mend(out);
    content.remove_prefix(end + 1);
  }
}

void LineRepair::finish(std::string& out) {
  if (cr_) mend(out);
  cr_ = false;
}

}  // namespace postrider::wire::smtp
