#include "receive/submit_socket.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

#include "receive/submit_folder.hpp"
#include "sys/accept_until.hpp"
#include "sys/thread_name.hpp"

namespace postrider::receive {
namespace {

constexpr int kBacklog = 128;

constexpr const char* kName = "socket";

std::unexpected<base::Failure> no_socket(const std::filesystem::path& path, int error) {
  return base::permanent({5, 3, 5}, "no socket at " + path.string() + ": " + std::strerror(error));
}

// By the folder's descriptor, so that its path may have any length.
sockaddr_un address_in(const Descriptor& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + kName;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Descriptor new_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// 0, or an errno.
int bind_in(const Descriptor& folder, const Descriptor& socket) {
  const auto address = address_in(folder);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.get(), generic, sizeof address) == 0) return 0;
  if (errno != EADDRINUSE) return errno;
  const Descriptor other = new_socket();
  if (::connect(other.get(), generic, sizeof address) == 0 || errno != ECONNREFUSED) return EADDRINUSE;
  ::unlinkat(folder.get(), kName, 0);  // its server ended without removing it
  return ::bind(socket.get(), generic, sizeof address) == 0 ? 0 : errno;
}

std::optional<std::uint32_t> peer_of(const Descriptor& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return peer.uid;
}

}  // namespace

struct SubmitSocket::Inside {
  Descriptor folder;
  Descriptor listener;
  Descriptor stop;
  ino_t inode = 0;
  Take take;
  std::thread thread;

  void accept() {
    sys::name_this_thread("submit");
    sys::accept_until(stop, listener, [this](Descriptor socket) {
      if (const auto uid = peer_of(socket)) take(std::move(socket), local_user(*uid));
    });
  }
};

SubmitSocket::SubmitSocket(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

base::Result<std::unique_ptr<SubmitSocket>> SubmitSocket::open(const std::filesystem::path& folder) {
  const auto path = submit_socket_path(folder);
  auto inside = std::make_unique<Inside>();
  inside->folder = Descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!inside->folder) return no_socket(path, errno);
  inside->stop = Descriptor(::eventfd(0, EFD_CLOEXEC));
  inside->listener = new_socket();
  if (!inside->stop || !inside->listener) return no_socket(path, errno);
  if (const int error = bind_in(inside->folder, inside->listener)) return no_socket(path, error);
  struct stat status{};
  // Not by fchmod of the socket before: bind() takes away what the umask has.
  if (::fchmodat(inside->folder.get(), kName, 0666, 0) != 0 ||
      ::fstatat(inside->folder.get(), kName, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::listen(inside->listener.get(), kBacklog) != 0)
    return no_socket(path, errno);
  inside->inode = status.st_ino;
  return std::unique_ptr<SubmitSocket>(new SubmitSocket(std::move(inside)));
}

void SubmitSocket::start(Take take) {
  inside_->take = std::move(take);
  inside_->thread = std::thread([inside = inside_.get()] { inside->accept(); });
}

SubmitSocket::~SubmitSocket() {
  const std::uint64_t one = 1;
  if (::write(inside_->stop.get(), &one, sizeof one) != sizeof one) std::abort();
  if (inside_->thread.joinable()) inside_->thread.join();
  struct stat status{};
  if (::fstatat(inside_->folder.get(), kName, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      status.st_ino == inside_->inode)
    ::unlinkat(inside_->folder.get(), kName, 0);
}

}  // namespace postrider::receive
