#include "app/access.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <variant>

#include "app/privileges.hpp"

namespace postrider::app {
namespace {

namespace fs = std::filesystem;

// "/srv/mail" of "/srv/mail/{domain}/{user}", and of "/srv/mail/box-{user}".
fs::path fixed_part(std::string_view path) {
  constexpr std::string_view kScheme = "maildir:";
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  path = path.substr(0, path.find('{'));
  const auto slash = path.find_last_not_of('/', path.rfind('/'));
  return slash == std::string_view::npos ? fs::path("/") : fs::path(path.substr(0, slash + 1));
}

// Fit to be compared part by part.
fs::path plain(const fs::path& path) {
  std::error_code error;
  auto whole = fs::absolute(path, error).lexically_normal();
  return whole.has_filename() || whole == whole.root_path() ? whole : whole.parent_path();
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto [end, ignored] = std::ranges::mismatch(folder, path);
  return end == folder.end();
}

// An errno; 0: it may be used. By the effective user, with the access lists that the file system has.
int tried(const Needed& one) {
  if (::faccessat(AT_FDCWD, one.path.c_str(), one.use == Use::write ? R_OK | W_OK | X_OK : R_OK,
                  AT_EACCESS) == 0)
    return 0;
  return errno == ENOENT ? 0 : errno;
}

// The first folder on the way that can't be entered, wherever links lead; empty: the way is free. `path` is absolute.
fs::path blocked_at(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as the kernel's
  std::deque<fs::path> left(path.begin(), path.end());
  fs::path at;
  for (int links = 0; !left.empty();) {
    const fs::path part = std::move(left.front());
    left.pop_front();
    if (part.is_absolute()) {
      at = part;
      continue;
    }
    if (::faccessat(AT_FDCWD, at.c_str(), X_OK, AT_EACCESS) != 0) return at;
    std::error_code error;
    const fs::path target = part == ".." ? fs::path() : fs::read_symlink(at / part, error);
    if (part == "..")
      at = at.parent_path();
    else if (error)
      at /= part;  // no link
    else if (++links > kMostLinks)
      break;
    else
      left.insert(left.begin(), target.begin(), target.end());
  }
  return {};
}

std::string mend_for(const Needed& one, const std::string& user) {
  if (const auto folder = blocked_at(one.path); !folder.empty()) return "chmod o+x " + folder.string();
  if (one.use == Use::write) return "chown -R " + user + ": " + one.path.string();
  return "chgrp " + group_in_force() + ' ' + one.path.string() + " && chmod g+r " + one.path.string();
}

Denied denied(const Needed& one, int error, const std::string& user, std::string mend,
              const std::string& file) {
  return {one,
          {file, one.line, one.column,
           "user " + user + " can't " + (one.use == Use::write ? "write in " : "read ") + one.key + ' ' +
               one.path.string() + ": " + std::strerror(error),
           std::move(mend)}};
}

// Fixed records through a pipe: the number of the path, errno, and the mend.
struct Found {
  std::uint32_t index;
  std::int32_t error;
  std::array<char, 8192 - 8> mend;
};
static_assert(sizeof(Found) == 8192);

[[noreturn]] void try_as(const std::string& user, const std::vector<Needed>& needed, int out) {
  if (!become(user)) _exit(1);
  for (std::uint32_t i = 0; i < needed.size(); ++i) {
    const int error = tried(needed[i]);
    if (error == 0) continue;
    Found found{.index = i, .error = error, .mend = {}};
    mend_for(needed[i], user).copy(found.mend.data(), found.mend.size() - 1);
    if (::write(out, &found, sizeof(found)) != sizeof(found)) _exit(1);
  }
  _exit(0);
}

bool read_whole(int in, Found& found) {
  auto* bytes = reinterpret_cast<char*>(&found);
  for (std::size_t have = 0; have < sizeof(found);) {
    const ssize_t got = ::read(in, bytes + have, sizeof(found) - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    have += static_cast<std::size_t>(got);
  }
  return true;
}

base::Result<void> failed(const std::string& what) {
  return base::permanent({5, 3, 5}, what + ": " + std::strerror(errno));
}

base::Result<std::vector<Denied>> denied_to_another(const std::string& user,
                                                    const std::vector<Needed>& needed,
                                                    const std::string& file) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(failed("pipe").error());
  const pid_t child = ::fork();
  if (child == 0) try_as(user, needed, ends[1]);
  ::close(ends[1]);
  std::vector<Denied> list;
  for (Found found{}; child > 0 && read_whole(ends[0], found);)
    list.push_back(denied(needed.at(found.index), found.error, user, found.mend.data(), file));
  ::close(ends[0]);
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return list;
  return base::permanent({5, 3, 5}, "can't try the files as " + user);
}

// What is only read, apart from the configuration itself.
std::vector<Needed> files_of(const config::Config& config) {
  std::vector<Needed> files;
  const auto add = [&](const std::string& path, const char* key) {
    if (!path.empty()) files.push_back({path, Use::read, key, false});
  };
  add(config.dns.trust_anchors, "dns.trust_anchors");
  for (const auto& pair : config.tls.certificates) {
    files.push_back({pair.certificate, Use::read, "tls.certificate", false, pair.line, pair.column});
    files.push_back({pair.key, Use::read, "tls.key", false, pair.key_line, pair.key_column});
  }
  add(config.tls.client_ca, "tls.client_ca");
  add(config.delivery.tls_ca, "delivery.tls_ca");
  add(config.auth.oauth.ca, "auth.oauth.ca");
  return files;
}

}  // namespace

std::vector<Needed> needed_paths(const config::Config& config) {
  std::vector<Needed> all{{config.data_dir, Use::write, "data_dir", true},
                          {config.runtime_dir, Use::write, "runtime_dir", true},
                          {config.file, Use::read, "the configuration", false},
                          {fixed_part(config.mailbox), Use::write, "delivery.mailbox", false}};
  for (const auto& route : config.routes)
    if (const auto* maildir = std::get_if<config::ViaMaildir>(&route.via))
      all.push_back({fixed_part(maildir->path), Use::write, "route.via", false});
  if (config.submit.allow != config::SubmitAllow::nobody)
    all.push_back({config.submit.folder, Use::write, "submit.folder", false});
  for (auto& file : files_of(config)) all.push_back(std::move(file));
  for (auto& one : all) one.path = plain(one.path);
  std::vector<Needed> outermost;
  for (const auto& one : all) {
    const auto holds = [&](const Needed& other) {
      return &other != &one && other.use == Use::write && is_below(one.path, other.path) &&
             (one.path != other.path || &other < &one);
    };
    // What the runtime folder is, is checked by itself: it may be made already, by somebody else.
    if (one.use == Use::read || one.vital || std::ranges::none_of(all, holds)) outermost.push_back(one);
  }
  return outermost;
}

std::vector<Denied> denied_paths(const std::vector<Needed>& needed, const std::string& file) {
  const std::string user = user_in_force();
  std::vector<Denied> list;
  for (const auto& one : needed)
    if (const int error = tried(one); error != 0)
      list.push_back(denied(one, error, user, mend_for(one, user), file));
  return list;
}

base::Result<std::vector<Denied>> denied_paths_of(const std::string& user, const std::vector<Needed>& needed,
                                                  const std::string& file) {
  if (user.empty()) return denied_paths(needed, file);
  const auto identity = find_user(user);
  if (!identity) return std::unexpected(identity.error());
  if (::geteuid() == identity->user) return denied_paths(needed, file);
  if (::geteuid() != 0) return std::vector<Denied>{};
  return denied_to_another(user, needed, file);
}

}  // namespace postrider::app
