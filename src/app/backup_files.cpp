#include "app/backup_files.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

namespace postrider::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = 16u << 20;

std::unexpected<base::Failure> cannot(std::string_view what, const fs::path& path, int number) {
  return base::temporary({4, 3, 0}, "a file can't be read or written",
                         std::string(what) + ' ' + path.string() + ": " + std::strerror(number));
}

bool sync_path(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  const int number = errno;
  ::close(descriptor);
  errno = number;
  return synced;
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

// One of whom the system has no name is in no group but the folder's.
bool set_groups(const struct stat& owner) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> memory{};
  if (::getpwuid_r(owner.st_uid, &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr)
    return ::setgroups(0, nullptr) == 0;
  return ::initgroups(found->pw_name, owner.st_gid) == 0;
}

}  // namespace

base::Result<void> make_empty_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  const int number = errno;
  std::error_code error;
  if (number == EEXIST && fs::is_directory(folder, error) && fs::is_empty(folder, error)) return {};
  if (number == EEXIST)
    return base::temporary({4, 3, 0}, "the folder is not empty",
                           folder.string() + " is there already, and not empty");
  return cannot("making", folder, number);
}

base::Result<std::string> read_file(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return cannot("reading", file, error.value());
  if (size > kMostBytes) return cannot("reading", file, EFBIG);
  std::ifstream in(file, std::ios::binary);
  std::string content(size, '\0');
  in.read(content.data(), static_cast<std::streamsize>(size));
  if (!in) return cannot("reading", file, EIO);
  return content;
}

base::Result<void> may_write(const fs::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (::access(parent.c_str(), W_OK | X_OK) == 0) return {};
  return cannot("writing to", parent, errno);
}

base::Result<void> write_file(const fs::path& file, std::string_view content) {
  const fs::path partial = file.string() + ".partial";
  const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return cannot("writing", partial, errno);
  const bool written = write_all(descriptor, content);
  const int number = errno;
  ::close(descriptor);
  if (!written) return cannot("writing", partial, number);
  const auto parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (::rename(partial.c_str(), file.c_str()) != 0 || !sync_path(parent))
    return cannot("renaming", partial, errno);
  return {};
}

base::Result<AsOwner> AsOwner::of(const fs::path& folder) {
  AsOwner owner;
  if (::geteuid() != 0) return owner;
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return cannot("looking at", folder, errno);
  if (status.st_uid == 0) return owner;
  const int count = ::getgroups(0, nullptr);
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
  if (count >= 0 && ::getgroups(count, groups.data()) == count) {
    owner.groups_ = std::move(groups);  // from here on there is something to take back
    if (set_groups(status) && ::setegid(status.st_gid) == 0 && ::seteuid(status.st_uid) == 0) return owner;
  }
  return base::permanent({5, 3, 5}, "root can't be left",
                         "becoming the owner of " + folder.string() + ": " + std::strerror(errno));
}

AsOwner::~AsOwner() {
  if (!groups_) return;
  // Never half a root: it was root before, and nothing that can happen takes that away.
  if (::seteuid(0) != 0 || ::setegid(::getgid()) != 0 || ::setgroups(groups_->size(), groups_->data()) != 0)
    std::abort();
}

}  // namespace postrider::app
