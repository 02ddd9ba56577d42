// The few calls on files that a mailbox needs, behind an interface so that a test can count them, order them
// and make them fail.
//
// Everything is relative to an open folder and follows no symbolic link in its last part. Errors are errno
// values. Blocking. Any thread, as the calls beneath.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "sys/descriptor.hpp"

namespace postrider::deliver {

template <class T>
using Tried = std::expected<T, int>;  // or an errno value

using Handle = sys::Descriptor;

struct FileStatus {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds since 1970
  bool directory = false;
  bool operator==(const FileStatus&) const = default;
};

class Files {
 public:
  static constexpr int kNowhere = -100;  // AT_FDCWD: with an absolute path

  virtual ~Files() = default;
  virtual Tried<Handle> open_directory(int at, const std::string& name);
  virtual Tried<void> make_directory(int at, const std::string& name);  // mode 0700
  virtual Tried<Handle> create(int at, const std::string& name);        // new, for writing, mode 0600
  virtual Tried<void> write(int fd, std::string_view bytes);            // all of them
  virtual Tried<void> sync_data(int fd);
  virtual Tried<void> sync_directory(int fd);
  virtual Tried<void> sync_file_system(int fd);
  virtual Tried<void> rename(int from_at, const std::string& from, int to_at, const std::string& to);
  virtual Tried<void> remove(int at, const std::string& name);
  virtual Tried<FileStatus> status(int at, const std::string& name);  // "." is the folder itself
  virtual Tried<std::vector<std::string>> list(int directory);        // without "." and ".."
};

}  // namespace postrider::deliver
