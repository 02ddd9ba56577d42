#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sys/confine.hpp"
#include "sys/descriptor.hpp"

namespace postrider::sys {
namespace {

// Of kernels that are newer than Debian 12's header.
constexpr std::uint64_t kTruncate = 1u << 14;             // ABI 3
constexpr std::uint64_t kDeviceIoctl = 1u << 15;          // ABI 5
constexpr std::uint64_t kScopeAbstractSockets = 1u << 0;  // ABI 6
constexpr std::uint64_t kScopeSignals = 1u << 1;
struct RulesetAttributes {
  std::uint64_t files, network, scoped;
};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
// No devices, and no rights to execute.
constexpr std::uint64_t kWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                 LANDLOCK_ACCESS_FS_REFER | kTruncate;
constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;

// All that this version of Landlock can refuse, as far as we know it.
std::uint64_t handled_by(int abi) {
  std::uint64_t rights = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;  // each up to this one
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kDeviceIoctl;
  return rights;
}

std::unexpected<std::string> failed(const std::string& what) {
  return std::unexpected(what + ": " + std::strerror(errno));
}

std::expected<void, std::string> allow(int ruleset, const std::filesystem::path& path, std::uint64_t rights) {
  const Descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (!at || ::fstat(at.get(), &status) != 0) return {};
  if (!S_ISDIR(status.st_mode)) rights &= kOfFiles;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = at.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return {};
  return failed("Landlock takes no rule for " + path.string());
}

}  // namespace

int landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 2 ? 0 : static_cast<int>(abi);
}

std::expected<void, std::string> confine_files(const FileRules& rules) {
  const int abi = landlock_abi();
  RulesetAttributes attributes{.files = handled_by(abi), .network = 0, .scoped = 0};
  if (abi >= 6) attributes.scoped = kScopeAbstractSockets | kScopeSignals;
  // Older kernels take the larger structure as long as what they don't know is zero.
  const Descriptor ruleset(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), std::uint32_t{0})));
  if (!ruleset) return failed("Landlock makes no rules");
  for (const auto& path : rules.read)
    if (auto done = allow(ruleset.get(), path, kRead & attributes.files); !done) return done;
  for (const auto& path : rules.write)
    if (auto done = allow(ruleset.get(), path, kWrite & attributes.files); !done) return done;
  for (const auto& path : rules.write_file)
    if (auto done = allow(ruleset.get(), path, kWriteFile & attributes.files); !done) return done;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return failed("Landlock does not confine");
  return {};
}

}  // namespace postrider::sys
