#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "sys/supervisor.hpp"

namespace postrider::sys {
namespace {

constexpr int kFirst = 3;    // SD_LISTEN_FDS_START
constexpr int kMost = 1024;  // sockets

int count_of_environment() {
  const auto number_in = [](const char* name) {
    const char* text = std::getenv(name);
    int value = -1;
    if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
    return value;
  };
  const int count = number_in("LISTEN_PID") == ::getpid() ? number_in("LISTEN_FDS") : 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return std::clamp(count, 0, kMost);
}

std::string name_of(const base::IpAddress& address, std::uint16_t port) {
  const std::string host = address.to_string();
  return (address.is_v4() ? host : '[' + host + ']') + ':' + std::to_string(port);
}

std::string name_of(const sockaddr_storage& bound, socklen_t size) {
  if (bound.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return name_of(base::IpAddress::v4(bytes), ntohs(v4.sin_port));
  }
  if (bound.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return name_of(base::IpAddress::v6(bytes), ntohs(v6.sin6_port));
  }
  const auto& local = reinterpret_cast<const sockaddr_un&>(bound);
  if (bound.ss_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path)) return {};
  return {local.sun_path, ::strnlen(local.sun_path, size - offsetof(sockaddr_un, sun_path))};
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

InheritedSockets InheritedSockets::of_environment() {
  InheritedSockets sockets;
  const int count = count_of_environment();
  for (int fd = kFirst; fd < kFirst + count; ++fd) sockets.all_.push_back(look_at(fd));
  return sockets;
}

InheritedSockets::One InheritedSockets::look_at(int fd) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  One one{.socket = Descriptor(fd), .name = {}, .trouble = {}};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    one.trouble = "it is no socket";
    return one;
  }
  one.name = name_of(bound, size);
  if (option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
    one.trouble = "it is no stream socket";
  else if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
    one.trouble = "it does not listen";
  else if (one.name.starts_with("[::]:") && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1)
    one.trouble = "it takes no IPv4, as [::] here does (BindIPv6Only=both)";
  else if (one.name.empty())
    one.trouble = "it has no address";
  return one;
}

Descriptor InheritedSockets::take_named(const std::string& name) {
  const auto found =
      std::ranges::find_if(all_, [&](const One& one) { return one.name == name && one.trouble.empty(); });
  if (found == all_.end()) return {};
  Descriptor socket = std::move(found->socket);
  all_.erase(found);
  return socket;
}

Descriptor InheritedSockets::take(const base::IpAddress& address, std::uint16_t port) {
  return take_named(name_of(address, port));
}

Descriptor InheritedSockets::take(const std::filesystem::path& path) { return take_named(path.string()); }

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> lines;
  for (const auto& one : all_) {
    std::string line = "descriptor " + std::to_string(one.socket.get());
    if (!one.name.empty()) line += ": " + one.name;
    if (!one.trouble.empty()) line += ": " + one.trouble;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace postrider::sys
