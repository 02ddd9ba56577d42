#include "app/privileges.hpp"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace postrider::app {
namespace {

base::Failure failure(const std::string& what) { return {{5, 3, 5}, what, {}}; }

base::Result<void> fail(const std::string& what) {
  return std::unexpected(failure(what + ": " + std::strerror(errno)));
}

// What a server that stays root needs for its own files, mailboxes of others, and programs of other users.
constexpr std::array kOfRoot{CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,          CAP_KILL,
                             CAP_SETGID, CAP_SETUID,       CAP_NET_BIND_SERVICE};
constexpr std::array kOfUser{CAP_NET_BIND_SERVICE};

// Only what is there already: a container may have taken some away.
template <std::size_t n>
void want(const std::array<int, n>& capabilities) {
  std::array<bool, n> had{};
  for (std::size_t i = 0; i < n; ++i)
    had[i] = capng_have_capability(CAPNG_PERMITTED, static_cast<unsigned>(capabilities[i])) != 0;
  capng_clear(CAPNG_SELECT_ALL);
  for (std::size_t i = 0; i < n; ++i)
    if (had[i])
      capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                   static_cast<unsigned>(capabilities[i]));
}

}  // namespace

base::Result<Identity> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 65536> memory{};
  const int error = getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found);
  if (found != nullptr) return Identity{entry.pw_uid, entry.pw_gid};
  return std::unexpected(
      failure("no such user: " + name + (error == 0 ? "" : std::string(": ") + std::strerror(error))));
}

base::Result<void> make_folder_for(const std::filesystem::path& folder, const std::string& user,
                                   mode_t mode) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  std::filesystem::create_directories(folder.parent_path(), error);
  // The umask takes away what others need.
  if (mkdir(folder.c_str(), 0700) != 0 || chmod(folder.c_str(), mode) != 0)
    return fail("can't make " + folder.string());
  if (user.empty() || geteuid() != 0) return {};
  const auto identity = find_user(user);
  if (!identity) return std::unexpected(identity.error());
  if (chown(folder.c_str(), identity->user, identity->group) != 0)
    return fail("can't give away " + folder.string());
  return {};
}

base::Result<void> make_data_dir(const config::Config& config) {
  const bool passed = config.submit.allow != config::SubmitAllow::nobody;
  return make_folder_for(config.data_dir, config.user, passed ? 0711 : 0700);
}

base::Result<void> become(const std::string& user) {
  std::optional<Identity> other;
  if (!user.empty()) {
    const auto identity = find_user(user);
    if (!identity) return std::unexpected(identity.error());
    if (geteuid() != identity->user) other = *identity;
  }
  if (other && geteuid() != 0) return std::unexpected(failure("only root can become " + user));
  if (capng_get_caps_process() != 0) return fail("capabilities");
  const bool bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  if (geteuid() == 0 && !other)
    want(kOfRoot);
  else
    want(kOfUser);
  if (other) {
    if (initgroups(user.c_str(), other->group) != 0) return fail("initgroups " + user);
    const int flags = CAPNG_CLEAR_AMBIENT | (bounds ? CAPNG_CLEAR_BOUNDING : 0);
    const int result = capng_change_id(static_cast<int>(other->user), static_cast<int>(other->group),
                                       static_cast<capng_flags_t>(flags));
    if (result != 0) return fail("can't become " + user + " (step " + std::to_string(-result) + ")");
  } else {
    // The bounding set first, while there is the capability to change it.
    if (bounds && capng_apply(CAPNG_SELECT_BOUNDS) != 0) return fail("capability bounding set");
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || capng_apply(CAPNG_SELECT_AMBIENT) != 0)
      return fail("capabilities");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("no_new_privs");
  return {};
}

std::string user_in_force() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 65536> memory{};
  getpwuid_r(geteuid(), &entry, memory.data(), memory.size(), &found);
  return found != nullptr ? entry.pw_name : std::to_string(geteuid());
}

std::string group_in_force() {
  group entry{};
  group* found = nullptr;
  std::array<char, 65536> memory{};
  getgrgid_r(getegid(), &entry, memory.data(), memory.size(), &found);
  return found != nullptr ? entry.gr_name : std::to_string(getegid());
}

std::string capabilities_in_force() {
  std::string names;
  if (capng_get_caps_process() != 0) return "unknown";
  for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (capng_have_capability(CAPNG_PERMITTED, capability) == 0) continue;
    const char* name = capng_capability_to_name(capability);
    names += (names.empty() ? "" : ",") + (name != nullptr ? std::string(name) : std::to_string(capability));
  }
  return names.empty() ? "none" : names;
}

}  // namespace postrider::app
