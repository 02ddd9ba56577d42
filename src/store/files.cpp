#include "store/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace postrider::store {
namespace {

std::unexpected<base::Failure> cannot(const std::string& what, const std::filesystem::path& path) {
  return base::permanent({5, 3, 5}, "the mail store can't be opened",
                         what + ' ' + path.string() + ": " + std::strerror(errno));
}

}  // namespace

bool sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return synced;
}

void settle_file_system(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)::syncfs(descriptor);
  ::close(descriptor);
}

base::Result<void> make_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0) {
    if (errno != EEXIST) return cannot("making", directory);
    return {};
  }
  const auto parent = directory.has_parent_path() ? directory.parent_path() : std::filesystem::path(".");
  if (!sync_path(parent)) return cannot("syncing", parent);
  return {};
}

base::Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
  const auto path = directory / "lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return cannot("opening", path);
  DirectoryLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return cannot("locking", path);
  return base::permanent({5, 3, 5}, "the mail store is in use",
                         "another server works on " + directory.string() + " (it holds the lock on " +
                             path.string() + "); stop it first");
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<FreeSpace> free_space(const std::filesystem::path& directory) {
  struct statvfs status{};
  if (::statvfs(directory.c_str(), &status) != 0) return {};
  FreeSpace space{.bytes = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize, .inodes = {}};
  if (status.f_files != 0) space.inodes = status.f_favail;
  return space;
}

}  // namespace postrider::store
