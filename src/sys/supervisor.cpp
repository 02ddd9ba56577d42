#include "sys/supervisor.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <ctime>

namespace postrider::sys {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string taken = value != nullptr ? value : "";
  ::unsetenv(name);
  return taken;
}

template <class T>
std::optional<T> number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

bool connect_to(const Descriptor& socket, const std::string& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.size() > sizeof(name.sun_path)) return false;
  std::ranges::copy(address, name.sun_path);
  if (address.front() == '@') name.sun_path[0] = '\0';  // the abstract namespace
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0;
}

}  // namespace

Supervisor Supervisor::of_environment() {
  Supervisor supervisor;
  supervisor.address_ = take_variable("NOTIFY_SOCKET");
  const auto interval = number<std::int64_t>(take_variable("WATCHDOG_USEC"));
  const std::string watched = take_variable("WATCHDOG_PID");
  if (interval && *interval > 0 && (watched.empty() || number<pid_t>(watched) == ::getpid()))
    supervisor.watchdog_ = std::chrono::microseconds(*interval);
  if (supervisor.address_.empty()) return supervisor;
  supervisor.socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (supervisor.socket_) connect_to(supervisor.socket_, supervisor.address_);
  return supervisor;
}

void Supervisor::tell(const std::string& state) {
  if (!socket_) return;
  if (::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL) >= 0) return;
  // A supervisor that began anew has a new socket at the old address.
  if ((errno == ECONNREFUSED || errno == ENOTCONN) && connect_to(socket_, address_))
    ::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL);
}

void Supervisor::ready(std::string_view status) { tell("READY=1\nSTATUS=" + std::string(status)); }

void Supervisor::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  // The time tells this reload's READY=1 from one that was under way.
  const auto microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\nSTATUS=reading the configuration");
}

void Supervisor::stopping() { tell("STOPPING=1\nSTATUS=stopping"); }

void Supervisor::alive() { tell("WATCHDOG=1"); }

}  // namespace postrider::sys
