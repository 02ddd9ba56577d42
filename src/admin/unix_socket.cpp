#include "admin/unix_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace postrider::admin {
namespace {

using std::chrono::steady_clock;

constexpr int kBacklog = 16;

// An address, and the folder that it may go through.
struct Address {
  sockaddr_un name{};
  Descriptor folder;
};

std::expected<Address, int> address_of(const std::filesystem::path& path) {
  Address address;
  address.name.sun_family = AF_UNIX;
  std::string text = path.string();
  if (text.size() >= sizeof(address.name.sun_path)) {
    address.folder = Descriptor(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!address.folder) return std::unexpected(errno);
    text = "/proc/self/fd/" + std::to_string(address.folder.get()) + "/" + path.filename().string();
    if (text.size() >= sizeof(address.name.sun_path)) return std::unexpected(ENAMETOOLONG);
  }
  std::ranges::copy(text, address.name.sun_path);
  return address;
}

const sockaddr* generic(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.name); }

}  // namespace

std::expected<Descriptor, int> connect_unix(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return std::unexpected(errno);
  // Never waits: a full backlog is EAGAIN.
  if (::connect(socket.get(), generic(*address), sizeof(sockaddr_un)) != 0) return std::unexpected(errno);
  return socket;
}

std::expected<Descriptor, int> listen_unix(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return std::unexpected(errno);
  // The file that bind() makes has the socket's own mode.
  if (::fchmod(socket.get(), 0600) != 0) return std::unexpected(errno);
  if (::bind(socket.get(), generic(*address), sizeof(sockaddr_un)) != 0) return std::unexpected(errno);
  if (::listen(socket.get(), kBacklog) != 0) return std::unexpected(errno);
  return socket;
}

bool is_trusted_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

LineEnd Lines::wait(short events, base::SteadyTime deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<base::Milliseconds>(deadline - steady_clock::now());
    if (left <= base::Milliseconds(0)) return LineEnd::late;
    std::array<pollfd, 2> set{pollfd{fd_, events, 0}, pollfd{stop_, POLLIN, 0}};  // -1 is passed over
    const int ready = ::poll(set.data(), set.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return LineEnd::closed;
    if (ready <= 0) continue;
    return set[1].revents != 0 ? LineEnd::stopped : LineEnd::line;
  }
}

LineEnd Lines::read(std::string& line, std::size_t longest, base::Milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  for (std::size_t seen = 0;;) {
    if (const auto end = buffer_.find('\n', seen); end != std::string::npos) {
      if (end > longest) return LineEnd::too_long;
      line.assign(buffer_, 0, end);
      buffer_.erase(0, end + 1);
      return LineEnd::line;
    }
    seen = buffer_.size();
    if (seen > longest) return LineEnd::too_long;
    if (const auto ready = wait(POLLIN, deadline); ready != LineEnd::line) return ready;
    std::array<char, 65536> piece;  // NOLINT: filled by recv
    const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return LineEnd::closed;
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

LineEnd Lines::write(std::string_view bytes, base::Milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return LineEnd::closed;
    if (const auto ready = wait(POLLOUT, deadline); ready != LineEnd::line) return ready;
  }
  return LineEnd::line;
}

}  // namespace postrider::admin
