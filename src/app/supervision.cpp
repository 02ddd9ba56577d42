#include "app/supervision.hpp"

#include <algorithm>
#include <cerrno>

namespace postrider::app {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

Supervision::Supervision(sys::Supervisor& supervisor, receive::Server& server)
    : supervisor_(supervisor), server_(server), looked_(steady_clock::now()) {
  supervisor_.ready(status());
}

int Supervision::wait_for(const sigset_t& signals, std::chrono::seconds pause,
                          const std::function<void()>& look) {
  const auto watchdog = supervisor_.watchdog();
  // Each turn may take this twice.
  const nanoseconds turn =
      watchdog ? std::min<nanoseconds>(pause, nanoseconds(*watchdog) / 3) : nanoseconds(pause);
  const timespec patience{.tv_sec = turn.count() / 1'000'000'000, .tv_nsec = turn.count() % 1'000'000'000};
  for (;;) {
    if (watchdog && server_.is_alive(std::chrono::duration_cast<base::Milliseconds>(turn)))
      supervisor_.alive();
    const int signal = sigtimedwait(&signals, nullptr, &patience);
    if (signal > 0 || errno != EAGAIN) return signal;
    if (steady_clock::now() - looked_ < pause) continue;
    look();
    looked_ = steady_clock::now();
  }
}

void Supervision::reload(const std::function<void()>& reload) {
  supervisor_.reloading();
  reload();
  supervisor_.ready(status());
}

std::string Supervision::status() const {
  std::string text = "listening on";
  for (const auto& address : server_.addresses()) text += ' ' + address;
  return text;
}

}  // namespace postrider::app
