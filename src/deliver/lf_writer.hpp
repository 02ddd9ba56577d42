// Writes a message as files of this system hold it: LF line ends, where the wire has CRLF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "deliver/files.hpp"
#include "deliver/maildir_name.hpp"

namespace postrider::deliver {

// Holds at most kBuffer octets and one piece. A CR that no LF follows stays as it is. Files and descriptor outlive it.
class LfWriter {
 public:
  static constexpr std::size_t kBuffer = 256 * 1024;

  LfWriter(Files& files, int fd) : files_(files), fd_(fd) {}
  Tried<void> add(std::string_view bytes);
  // What is still held. Once, last.
  Tried<void> finish();
  MaildirSizes sizes() const { return {.stored = stored_, .wire = stored_ + lines_}; }

 private:
  Tried<void> flush();
  Files& files_;
  int fd_;
  std::string buffer_;
  bool held_cr_ = false;
  std::uint64_t stored_ = 0;
  std::uint64_t lines_ = 0;
};

}  // namespace postrider::deliver
