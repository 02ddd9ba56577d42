// The few things that the store asks of the file system beside SQLite. Blocking.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/result.hpp"

namespace postrider::store {

// fsync of a file or a directory. False where it failed.
bool sync_path(const std::filesystem::path& path);

// All that waits to be written to the file system that `path` is on (syncfs). One with a journal gives the room of what was
// removed back only then. Failures don't matter.
void settle_file_system(const std::filesystem::path& path);

// Makes the directory with mode 0700 where it is missing, and makes its name durable.
base::Result<void> make_directory(const std::filesystem::path& directory);

// The right to be the only server on a directory, until destroyed. The kernel gives it back when the process
// ends, however it ends.
class DirectoryLock {
 public:
  // Failure: permanent, where another process (or this one) has it.
  static base::Result<DirectoryLock> take(const std::filesystem::path& directory);
  DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

struct FreeSpace {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> inodes;  // none: the file system has no fixed number of them
};
// What an unprivileged process may still use. Nothing where the file system doesn't say.
std::optional<FreeSpace> free_space(const std::filesystem::path& directory);

}  // namespace postrider::store
