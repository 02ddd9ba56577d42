#include "wire/dkim/tag_writer.hpp"

#include <algorithm>

namespace postrider::wire::dkim {
TagWriter::TagWriter(std::string_view field_name, std::size_t line_size)
    : text_(field_name), line_size_(line_size) {
  text_ += ':';
}

std::size_t TagWriter::room() const {
  const std::size_t used = text_.size() - line_;
  return used < line_size_ ? line_size_ - used : 0;
}

void TagWriter::new_line() {
  text_ += "\r\n";
  line_ = text_.size();
  text_ += '\t';
}

// Where the tag and `size` octets of its value, with the semicolon behind them, find no room, on a new line.
void TagWriter::begin_tag(std::string_view name, std::size_t size) {
  if (!first_) text_ += ';';
  if (end_line_ || 1 + name.size() + 1 + size + 1 > room()) {
    new_line();
  } else {
    text_ += ' ';
  }
  first_ = false;
  end_line_ = false;
  text_ += name;
  text_ += '=';
}

void TagWriter::tag(std::string_view name, std::string_view value) {
  begin_tag(name, value.size());
  text_ += value;
}

void TagWriter::colon_tag(std::string_view name, std::string_view list) {
  const bool fits_a_line = 1 + name.size() + 1 + list.size() + 1 <= line_size_;
  begin_tag(name, std::min(fits_a_line ? list.size() : list.find(':'), list.size()));
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(':', at + 1), list.size());
    if (at > 0 && end - at + 1 > room()) new_line();
    text_ += list.substr(at, end - at);
    at = end;
  }
}

void TagWriter::base64_tag(std::string_view name, std::string_view base64) {
  constexpr std::size_t kTooFew = 16;
  begin_tag(name, kTooFew);
  more_base64(base64);
}

void TagWriter::more_base64(std::string_view base64) {
  while (!base64.empty()) {
    // The semicolon has to find room too.
    if (room() <= 1) new_line();
    const std::size_t part = std::min(base64.size(), room() - 1);
    text_ += base64.substr(0, part);
    base64.remove_prefix(part);
  }
}

std::string TagWriter::finish() && { return std::move(text_) + "\r\n"; }

}  // namespace postrider::wire::dkim
