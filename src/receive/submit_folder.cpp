#include "receive/submit_folder.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sys/log.hpp"

namespace postrider::receive {
namespace {

std::unexpected<base::Failure> unusable(const std::filesystem::path& folder, const std::string& why) {
  return base::permanent({5, 3, 5}, "can't use " + folder.string() + " for local programs: " + why);
}

// chmod after mkdir, since the umask takes away what others need; and also of what was there, so that a mode that was set by
// hand does no harm.
base::Result<void> make(const std::filesystem::path& folder, mode_t mode) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return unusable(folder, std::strerror(errno));
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0) return unusable(folder, std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return unusable(folder, "that is no folder");
  if (status.st_uid != ::geteuid()) return unusable(folder, "it is another user's");
  if ((status.st_mode & 07777) != mode && ::chmod(folder.c_str(), mode) != 0)
    return unusable(folder, std::strerror(errno));
  return {};
}

void warn_where_nobody_comes(const std::filesystem::path& folder) {
  for (auto above = folder.parent_path(); above != above.parent_path(); above = above.parent_path()) {
    struct stat status{};
    if (::stat(above.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) != 0) continue;
    sys::log::warning(
        "submit_unreachable",
        {{"folder", folder.string()}, {"closed", above.string()}, {"mend", "chmod o+x " + above.string()}});
    return;
  }
}

}  // namespace

base::Result<void> prepare_submit_folder(const std::filesystem::path& folder) {
  if (auto made = make(folder, 0711); !made) return made;
  if (auto made = make(drop_path(folder), 01733); !made) return made;
  if (auto made = make(aside_path(folder), 0700); !made) return made;
  warn_where_nobody_comes(folder);
  return {};
}

std::filesystem::path submit_socket_path(const std::filesystem::path& folder) { return folder / "socket"; }
std::filesystem::path drop_path(const std::filesystem::path& folder) { return folder / "drop"; }
std::filesystem::path aside_path(const std::filesystem::path& folder) { return folder / "aside"; }

config::Listener submit_listener() {
  config::Listener listener;
  listener.mode = config::ListenerMode::submit;
  return listener;
}

LocalUser local_user(std::uint32_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> memory{};
  if (::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found) == 0 && found)
    return {uid, entry.pw_name};
  return {uid, "uid" + std::to_string(uid)};
}

}  // namespace postrider::receive
