#include "deliver/lf_writer.hpp"

#include <algorithm>

namespace postrider::deliver {

Tried<void> LfWriter::add(std::string_view bytes) {
  while (!bytes.empty()) {
    if (held_cr_) {
      if (bytes.front() != '\n') buffer_ += '\r';
      held_cr_ = false;
    }
    const std::string_view run = bytes.substr(0, std::min(bytes.find('\r'), bytes.size()));
    lines_ += static_cast<std::uint64_t>(std::ranges::count(run, '\n'));
    buffer_ += run;
    bytes.remove_prefix(run.size());
    if (!bytes.empty()) {
      held_cr_ = true;
      bytes.remove_prefix(1);
    }
    if (buffer_.size() >= kBuffer)
      if (auto written = flush(); !written) return written;
  }
  return {};
}

Tried<void> LfWriter::finish() {
  if (held_cr_) buffer_ += '\r';
  held_cr_ = false;
  return flush();
}

Tried<void> LfWriter::flush() {
  stored_ += buffer_.size();
  auto written = files_.write(fd_, buffer_);
  buffer_.clear();
  return written;
}

}  // namespace postrider::deliver
