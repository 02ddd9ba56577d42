#include "app/privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace postrider::app {
namespace {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
};

std::optional<Identity> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> memory{};
  if (getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) != 0 || !found) return {};
  return Identity{entry.pw_uid, entry.pw_gid};
}

base::Result<void> fail(const std::string& what) {
  return base::permanent({5, 3, 5}, what + ": " + std::strerror(errno));
}

}  // namespace

base::Result<void> make_folder_for(const std::filesystem::path& folder, const std::string& user) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  std::filesystem::create_directories(folder.parent_path(), error);
  if (mkdir(folder.c_str(), 0700) != 0) return fail("can't make " + folder.string());
  if (user.empty() || geteuid() != 0) return {};
  const auto identity = find_user(user);
  if (!identity) return base::permanent({5, 3, 5}, "no such user: " + user);
  if (chown(folder.c_str(), identity->user, identity->group) != 0)
    return fail("can't give away " + folder.string());
  return {};
}

base::Result<void> become(const std::string& user) {
  if (user.empty()) return {};
  const auto identity = find_user(user);
  if (!identity) return base::permanent({5, 3, 5}, "no such user: " + user);
  if (geteuid() == identity->user) return {};
  if (geteuid() != 0) return base::permanent({5, 3, 5}, "only root can become " + user);
  if (initgroups(user.c_str(), identity->group) != 0) return fail("initgroups " + user);
  if (setgid(identity->group) != 0) return fail("setgid " + user);
  if (setuid(identity->user) != 0) return fail("setuid " + user);
  return {};
}

}  // namespace postrider::app
