#include "deliver/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace postrider::deliver {
namespace {

static_assert(Files::kNowhere == AT_FDCWD);

Tried<void> tried(int result) {
  if (result < 0) return std::unexpected(errno);
  return {};
}

Tried<Handle> opened(int fd) {
  if (fd < 0) return std::unexpected(errno);
  return Handle(fd);
}

}  // namespace

Tried<Handle> Files::open_directory(int at, const std::string& name) {
  return opened(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Tried<void> Files::make_directory(int at, const std::string& name) {
  return tried(::mkdirat(at, name.c_str(), 0700));
}

Tried<Handle> Files::create(int at, const std::string& name) {
  return opened(::openat(at, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
}

Tried<void> Files::write(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Tried<void> Files::sync_data(int fd) { return tried(::fdatasync(fd)); }

Tried<void> Files::sync_directory(int fd) { return tried(::fsync(fd)); }

Tried<void> Files::sync_file_system(int fd) { return tried(::syncfs(fd)); }

Tried<void> Files::rename(int from_at, const std::string& from, int to_at, const std::string& to) {
  return tried(::renameat(from_at, from.c_str(), to_at, to.c_str()));
}

Tried<void> Files::remove(int at, const std::string& name) { return tried(::unlinkat(at, name.c_str(), 0)); }

Tried<FileStatus> Files::status(int at, const std::string& name) {
  struct stat found{};
  if (::fstatat(at, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) < 0) return std::unexpected(errno);
  return FileStatus{.device = found.st_dev,
                    .inode = found.st_ino,
                    .size = static_cast<std::uint64_t>(found.st_size),
                    .modified = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec,
                    .directory = S_ISDIR(found.st_mode)};
}

Tried<std::vector<std::string>> Files::list(int directory) {
  // A descriptor of its own: the place in the listing belongs to it.
  const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), ::closedir);
  if (!stream) {
    const int error = errno;
    ::close(fd);
    return std::unexpected(error);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::unexpected(errno);
  return names;
}

}  // namespace postrider::deliver
