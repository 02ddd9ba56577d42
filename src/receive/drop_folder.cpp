#include "receive/drop_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "receive/submit_folder.hpp"
#include "sys/log.hpp"

namespace postrider::receive {
namespace {

using wire::submit::kDropEnd;
using wire::submit::kMaxDropHead;

constexpr std::string_view kHalfWritten = "tmp.";
constexpr std::time_t kHalfWrittenAge = 3600;  // s; it takes a program seconds

Descriptor open_directory(const std::filesystem::path& folder) {
  return Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// A stream of its own on each call: a position that is shared would be moved by whoever reads next.
std::unique_ptr<DIR, int (*)(DIR*)> list(const Descriptor& folder) {
  const int again = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = again < 0 ? nullptr : ::fdopendir(again);
  if (!stream && again >= 0) ::close(again);
  return {stream, ::closedir};
}

std::size_t count(const Descriptor& folder) {
  std::size_t entries = 0;
  const auto stream = list(folder);
  while (stream && ::readdir(stream.get())) ++entries;
  return entries - std::min<std::size_t>(entries, 2);  // . and ..
}

DropFault fault(std::string why, const struct stat& status) {
  return {.why = std::move(why), .is_file = S_ISREG(status.st_mode), .uid = status.st_uid};
}

// What could not be opened for reading.
DropFault unreadable(const Descriptor& folder, const std::string& name, int error) {
  struct stat status{};
  if (error == ENOENT || ::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return {.why = "gone", .gone = true};
  if (S_ISREG(status.st_mode)) return fault(std::string("unreadable: ") + std::strerror(error), status);
  return fault("no regular file", status);
}

}  // namespace

std::string DropFile::read(std::uint64_t at, std::size_t size) const {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const auto got =
        ::pread(descriptor.get(), bytes.data() + filled, size - filled, static_cast<off_t>(at + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

base::Result<DropFolder> DropFolder::open(const std::filesystem::path& folder) {
  DropFolder opened;
  opened.drop_ = open_directory(drop_path(folder));
  opened.aside_ = open_directory(aside_path(folder));
  opened.watch_ = Descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!opened.drop_ || !opened.aside_ || !opened.watch_ ||
      ::inotify_add_watch(opened.watch_.get(), drop_path(folder).c_str(), IN_MOVED_TO | IN_ONLYDIR) < 0)
    return base::permanent({5, 3, 5},
                           "can't use " + drop_path(folder).string() + ": " + std::strerror(errno));
  opened.aside_count_ = count(opened.aside_);
  return opened;
}

void DropFolder::for_each(const std::function<bool(const std::string&)>& visit) {
  const auto stream = list(drop_);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || passed_over_.contains(name)) continue;
    if (name.starts_with(kHalfWritten)) {
      sweep(name);
    } else if (!visit(name)) {
      return;
    }
  }
}

// Left by a program that was ended while it wrote; it has not told anybody that it was done.
void DropFolder::sweep(const std::string& name) {
  struct stat status{};
  if (::fstatat(drop_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  // The time of the last change, which its owner can't set.
  if (std::time(nullptr) - status.st_ctime < kHalfWrittenAge) return;
  sys::log::info("submission_half_written", {{"file", name}, {"uid", status.st_uid}});
  if (S_ISDIR(status.st_mode)) return set_aside(name, fault("no regular file", status));
  remove(name);
}

std::expected<DropFile, DropFault> DropFolder::open_file(const std::string& name,
                                                         std::uint64_t most_content) const {
  // Not through a symbolic link, and not waiting for the other end of a pipe.
  Descriptor opened(
      ::openat(drop_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!opened) return std::unexpected(unreadable(drop_, name, errno));
  struct stat status{};
  if (::fstat(opened.get(), &status) != 0) return std::unexpected(unreadable(drop_, name, errno));
  const auto refused = [&](std::string why) { return std::unexpected(fault(std::move(why), status)); };
  if (!S_ISREG(status.st_mode)) return refused("no regular file");
  // Somebody's file under a second name would be sent in that one's name.
  if (status.st_nlink != 1) return refused("it has other names too");
  if (!name.ends_with(kDropSuffix)) return refused("not put there by sendmail");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > kMaxDropHead + most_content + kDropEnd.size()) return refused("too large");
  DropFile file{.descriptor = std::move(opened), .uid = status.st_uid, .head = {}};
  const std::string start = file.read(0, std::min<std::uint64_t>(size, kMaxDropHead));
  const auto blank = start.find("\n\n");
  if (blank == std::string::npos) return refused("no head");
  auto head = wire::submit::decode_drop_head(std::string_view(start).substr(0, blank + 2));
  if (!head) return refused("malformed head");
  file.head = std::move(*head);
  file.content_at = blank + 2;
  const std::uint64_t content = file.head.header + file.head.body;
  if (size != file.content_at + content + kDropEnd.size()) return refused("not whole");
  if (file.read(file.content_at + content, kDropEnd.size()) != kDropEnd) return refused("without its end");
  return file;
}

void DropFolder::remove(const std::string& name) { ::unlinkat(drop_.get(), name.c_str(), 0); }

void DropFolder::set_aside(const std::string& name, const DropFault& found) {
  const bool keep = found.is_file && aside_count_ < kMostAside;
  const bool kept =
      keep && ::renameat2(drop_.get(), name.c_str(), aside_.get(), name.c_str(), RENAME_NOREPLACE) == 0;
  int done = kept ? 0 : ::unlinkat(drop_.get(), name.c_str(), 0);
  if (done != 0 && errno == EISDIR) done = ::unlinkat(drop_.get(), name.c_str(), AT_REMOVEDIR);
  if (kept) ++aside_count_;
  if (done != 0 && passed_over_.size() < kMostAside) passed_over_.insert(name);
  sys::log::warning("submission_set_aside", {{"file", name},
                                             {"uid", found.uid},
                                             {"why", found.why},
                                             {"kept", kept        ? "aside"
                                                      : done == 0 ? "no"
                                                                  : "where it is"},
                                             {"aside", aside_count_}});
}

void DropFolder::sync() const { ::fsync(drop_.get()); }

void DropFolder::clear_watch() const {
  std::array<char, 4096> events{};
  while (::read(watch_.get(), events.data(), events.size()) > 0) {
  }
}

}  // namespace postrider::receive
