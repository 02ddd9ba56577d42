#include "app/confinement.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <variant>

#include "app/privileges.hpp"
#include "sys/log.hpp"

namespace postrider::app {
namespace {

namespace fs = std::filesystem;

// What libraries read: the C library, libunbound, OpenSSL. Nothing of it is secret: where it is, the file's mode says so.
constexpr const char* kSystem[] = {"/usr", "/lib", "/lib64", "/etc/ssl", "/etc/resolv.conf", "/etc/hosts",
                                   "/etc/host.conf", "/etc/nsswitch.conf", "/etc/services", "/etc/passwd",
                                   "/etc/group", "/etc/localtime", "/etc/ld.so.cache", "/dev/random",
                                   "/dev/urandom", "/dev/null", "/proc/self", "/proc/sys", "/proc/meminfo",
                                   "/proc/stat", "/sys/devices/system/cpu",
                                   // users that are not in /etc/passwd: systemd's, sssd's
                                   "/run/systemd/userdb", "/run/userdb", "/var/lib/sss/mc"};

bool has_programs(const config::Config& config) {
  return std::ranges::any_of(config.routes, [](const config::Route& route) {
    return std::holds_alternative<config::ViaPipe>(route.via);
  });
}

// A file is replaced by another of its name, and a link leads elsewhere then: so its folder, and that of what it leads to.
void add_file(std::vector<fs::path>& list, const fs::path& file) {
  std::error_code error;
  list.push_back(file.parent_path());
  if (const auto real = fs::canonical(file, error); !error) list.push_back(real.parent_path());
}

void add_system(std::vector<fs::path>& list) {
  list.insert(list.end(), std::begin(kSystem), std::end(kSystem));
  // A new user means a new /etc/passwd in the place of that one, and Landlock knows files, not their names. What root may
  // read there is too much.
  if (::geteuid() != 0) list.emplace_back("/etc");
  // OpenSSL's.
  if (const char* file = std::getenv("SSL_CERT_FILE")) add_file(list, file);
  if (const char* folder = std::getenv("SSL_CERT_DIR")) list.emplace_back(folder);
}

// The part that is there with no links on the way, the rest as it is.
fs::path real(const fs::path& path) {
  std::error_code error;
  auto whole = fs::weakly_canonical(path, error);
  return error ? path : whole;
}

sys::FileRules rules_for(const config::Config& config) {
  sys::FileRules rules;
  for (const auto& one : needed_paths(config)) {
    if (one.use == Use::write)
      rules.write.push_back(one.path);
    else
      add_file(rules.read, one.path);
  }
  add_system(rules.read);
  rules.write_file.emplace_back("/dev/null");
  for (auto* list : {&rules.read, &rules.write}) std::ranges::transform(*list, list->begin(), real);
  return rules;
}

bool is_within(const fs::path& path, const std::vector<fs::path>& folders) {
  return std::ranges::any_of(folders, [&](const fs::path& folder) {
    return std::ranges::mismatch(folder, path).in1 == folder.end();
  });
}

constexpr const char* kRestart = "restart the server: what confines it was set at its start";

}  // namespace

base::Result<Confinement> Confinement::enter(const config::Config& config) {
  Confinement confinement;
  confinement.rules_ = rules_for(config);
  confinement.programs_ = has_programs(config) ? sys::Programs::started : sys::Programs::none;
  confinement.seccomp_ = confinement.landlock_ = "off (sanitizer build)";
  if (sys::kSanitized) return confinement;
  // In this order: what seccomp leaves, Landlock's calls are not among it.
  if (auto done = confinement.enter_landlock(config); !done) return std::unexpected(done.error());
  if (auto done = confinement.enter_seccomp(config); !done) return std::unexpected(done.error());
  return confinement;
}

base::Result<void> Confinement::enter_landlock(const config::Config& config) {
  const int abi = sys::landlock_abi();
  if (!config.sandbox.landlock) {
    landlock_ = "off (by the configuration)";
  } else if (abi == 0) {
    landlock_ = "unavailable";
  } else if (programs_ == sys::Programs::started) {
    // It would hold for the programs too, and nobody knows what those need.
    landlock_ = "off (there are pipe routes)";
  } else {
    if (const auto done = sys::confine_files(rules_); !done)
      return base::permanent({5, 3, 5}, done.error() + "; [sandbox] landlock = false does without it");
    // SQLite puts what a statement can't hold in memory into a file, by default in /var/tmp.
    setenv("SQLITE_TMPDIR", config.data_dir.c_str(), 1);
    files_ = no_programs_ = true;
    landlock_ = "on (ABI " + std::to_string(abi) + ')';
  }
  return {};
}

base::Result<void> Confinement::enter_seccomp(const config::Config& config) {
  if (!config.sandbox.seccomp) {
    seccomp_ = "off (by the configuration)";
  } else if (!sys::has_seccomp()) {
    seccomp_ = "unavailable";
  } else {
    const auto calls = sys::confine_calls(programs_);
    if (!calls)
      return base::permanent({5, 3, 5}, calls.error() + "; [sandbox] seccomp = false does without it");
    const bool none = programs_ == sys::Programs::none;
    no_programs_ = no_programs_ || none;
    seccomp_ = "on (" + std::to_string(*calls) +
               (none ? " calls allowed)" : " calls refused, as there are pipe routes)");
  }
  return {};
}

void Confinement::tell() const {
  sys::log::info("confined", {{"user", user_in_force()},
                              {"capabilities", capabilities_in_force()},
                              {"seccomp", seccomp_},
                              {"landlock", landlock_}});
}

std::optional<config::Fault> Confinement::beyond(const Needed& one, const std::string& file) const {
  const fs::path at = real(one.path);
  const bool readable = one.use == Use::read && is_within(at, rules_.read);
  if (!files_ || readable || is_within(at, rules_.write)) return {};
  const std::string what = at == one.path ? " is outside" : " leads to " + at.string() + ", which is outside";
  return config::Fault{file, one.line, one.column,
                       one.key + ' ' + one.path.string() + what + " of the folders that the server can reach",
                       kRestart};
}

std::vector<config::Fault> Confinement::beyond(const config::Config& next) const {
  std::vector<config::Fault> faults;
  if (no_programs_ && has_programs(next))
    faults.push_back(
        {next.file, 0, 0,
         "a route leads to a program, and there was none when the server started: it can't start any",
         kRestart});
  for (const auto& one : needed_paths(next))
    if (auto fault = beyond(one, next.file)) faults.push_back(*std::move(fault));
  return faults;
}

}  // namespace postrider::app
