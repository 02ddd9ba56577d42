// A message for a server that is away: a file that it finds later.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "admin/unix_socket.hpp"
#include "app/sendmail.hpp"
#include "receive/drop_folder.hpp"
#include "receive/submit_folder.hpp"

namespace postrider::app {
namespace {

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

Ending submit_by_drop(const SendmailPlace& place, const Prepared& message) {
  const auto path = receive::drop_path(place.folder);
  const auto failed = [&](const char* what) {
    return Ending{EX_TEMPFAIL,
                  std::string("can't ") + what + " in " + path.string() + ": " + std::strerror(errno)};
  };
  // Nobody but the server may read this folder, and we may not either: O_PATH is enough to put something in.
  const admin::Descriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return failed("leave the message");
  const std::string half = "tmp." + message.submission.unique;
  const std::string whole = message.submission.unique + std::string(receive::kDropSuffix);
  // The server is another user, who must be able to read it; others would have to know its name, which has 128 random bits.
  const admin::Descriptor file(
      ::openat(folder.get(), half.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return failed("leave the message");
  const auto give_up = [&](const char* what) {
    const Ending ending = failed(what);
    ::unlinkat(folder.get(), half.c_str(), 0);
    return ending;
  };
  const std::string head = wire::submit::encode(
      {.submission = message.submission, .header = message.header.size(), .body = message.body.size()});
  if (!write_all(file.get(), head) || !write_all(file.get(), message.header) ||
      !write_all(file.get(), message.body) || !write_all(file.get(), wire::submit::kDropEnd))
    return give_up("write the message");
  // What the umask took away.
  if (::fchmod(file.get(), 0644) != 0 || ::fsync(file.get()) != 0) return give_up("write the message");
  if (::renameat(folder.get(), half.c_str(), folder.get(), whole.c_str()) != 0)
    return give_up("leave the message");
  // The name must be on the disk too. fsync() of a folder wants the right to read it, which we have not; this has all of
  // the file system written, and tells of errors since Linux 5.8.
  if (::syncfs(file.get()) != 0) return failed("sync the message");
  return {EX_OK, "left for the server, which is away"};
}

}  // namespace postrider::app
