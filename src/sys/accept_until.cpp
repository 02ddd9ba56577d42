#include "sys/accept_until.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace postrider::sys {
namespace {

constexpr int kNoDescriptorPause = 100;  // ms

}  // namespace

void accept_until(const Descriptor& stop, const Descriptor& listener,
                  const std::function<void(Descriptor)>& take) {
  for (;;) {
    std::array<pollfd, 2> set{pollfd{listener.get(), POLLIN, 0}, pollfd{stop.get(), POLLIN, 0}};
    if (::poll(set.data(), set.size(), -1) < 0 && errno != EINTR) return;
    if (set[1].revents != 0) return;
    Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket) {
      take(std::move(socket));
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      pollfd only{stop.get(), POLLIN, 0};
      ::poll(&only, 1, kNoDescriptorPause);
    }
  }
}

}  // namespace postrider::sys
