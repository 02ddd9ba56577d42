#include "directory/dkim_keys.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "store/files.hpp"

namespace postrider::directory {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kListEnd = ".toml";
constexpr std::size_t kMostBytes = 64u << 10;

std::unexpected<base::Failure> cannot(std::string_view what, const fs::path& path, int number) {
  return base::temporary({4, 3, 0}, "a file of the DKIM keys can't be used",
                         std::string(what) + ' ' + path.string() + ": " + std::strerror(number));
}

std::unexpected<base::Failure> senseless(const fs::path& path, const std::string& why) {
  return base::permanent({5, 3, 5}, "a file of the DKIM keys makes no sense", path.string() + ": " + why);
}

base::Result<std::string> read_file(const fs::path& path) {
  const sys::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return cannot("reading", path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return cannot("reading", path, errno);
  if (!S_ISREG(status.st_mode)) return senseless(path, "not a file");
  std::string text(kMostBytes + 1, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("reading", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have > kMostBytes) return senseless(path, "more than 64 KiB");
  text.resize(have);
  return text;
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file) == 0;
}

// Whole and synced before it bears its name.
base::Result<void> write_file(const fs::path& path, std::string_view text) {
  const fs::path partial = path.string() + ".new";
  std::error_code ignored;
  fs::remove(partial, ignored);
  const sys::Descriptor file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), text)) {
    const int number = errno;
    fs::remove(partial, ignored);
    return cannot("writing", partial, number);
  }
  if (std::rename(partial.c_str(), path.c_str()) != 0) {
    const int number = errno;
    fs::remove(partial, ignored);
    return cannot("writing", path, number);
  }
  if (!store::sync_path(path.parent_path())) return cannot("syncing", path.parent_path(), errno);
  return {};
}

base::Result<void> remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return cannot("removing", path, errno);
  if (!store::sync_path(path.parent_path())) return cannot("syncing", path.parent_path(), errno);
  return {};
}

std::string state_of(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return "none";
  return std::to_string(status.st_ino) + ' ' + std::to_string(status.st_size) + ' ' +
         std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace

fs::path DkimFolder::file_of(const mail::Domain& domain) const {
  return folder_ / (domain.ascii() + std::string(kListEnd));
}

fs::path DkimFolder::file_of(const mail::Domain& domain, std::string_view selector) const {
  return folder_ / (std::string(selector) + "._domainkey." + domain.ascii() + ".pem");
}

base::Result<std::vector<mail::Domain>> DkimFolder::domains() const {
  std::vector<mail::Domain> all;
  std::error_code error;
  fs::directory_iterator entries(folder_, error);
  if (error == std::errc::no_such_file_or_directory) return all;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (!name.ends_with(kListEnd)) continue;
    auto domain = mail::Domain::parse(std::string_view(name).substr(0, name.size() - kListEnd.size()));
    if (domain) all.push_back(*std::move(domain));
  }
  if (error) return cannot("reading", folder_, error.value());
  std::ranges::sort(all);
  return all;
}

base::Result<std::vector<DkimKey>> DkimFolder::list(const mail::Domain& domain) const {
  const fs::path path = file_of(domain);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) {
    if (!error || error == std::errc::no_such_file_or_directory) return {};
    return cannot("reading", path, error.value());
  }
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto keys = parse_dkim_list(*text);
  if (!keys) return senseless(path, keys.error().text);
  return keys;
}

base::Result<std::string> DkimFolder::key(const mail::Domain& domain, std::string_view selector) const {
  return read_file(file_of(domain, selector));
}

std::string DkimFolder::state() const { return state_of(folder_); }
std::string DkimFolder::state(const mail::Domain& domain) const { return state_of(file_of(domain)); }

base::Result<sys::Descriptor> DkimFolder::lock() const {
  if (auto made = store::make_directory(folder_); !made) return std::unexpected(std::move(made.error()));
  const fs::path path = folder_ / "lock";
  sys::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return cannot("opening", path, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return cannot("locking", path, errno);
  return base::temporary({4, 3, 0}, "another `postrider dkim` changes the keys just now; try again");
}

base::Result<void> DkimFolder::put_key(const mail::Domain& domain, std::string_view selector,
                                       std::string_view pem) const {
  const fs::path path = file_of(domain, selector);
  std::error_code error;
  // Whoever writes here holds the lock: nobody makes it meanwhile.
  if (fs::exists(fs::symlink_status(path, error))) return cannot("writing", path, EEXIST);
  return write_file(path, pem);
}

base::Result<void> DkimFolder::put_list(const mail::Domain& domain, const std::vector<DkimKey>& keys) const {
  return write_file(file_of(domain), write_dkim_list(keys));
}

base::Result<void> DkimFolder::remove_list(const mail::Domain& domain) const {
  return remove_file(file_of(domain));
}

base::Result<void> DkimFolder::remove_key(const mail::Domain& domain, std::string_view selector) const {
  return remove_file(file_of(domain, selector));
}

}  // namespace postrider::directory
