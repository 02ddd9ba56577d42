#include "net/watchdog.hpp"

namespace postrider::net {

struct Watchdog::State {
  State(boost::asio::any_io_executor executor, std::function<void()> call)
      : timer(std::move(executor)), on_expiry(std::move(call)) {}
  boost::asio::steady_timer timer;
  std::function<void()> on_expiry;
  base::SteadyTime deadline = base::SteadyTime::max();
  base::SteadyTime armed_for = base::SteadyTime::max();
  bool expired = false;
};

Watchdog::Watchdog(boost::asio::any_io_executor executor, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_expiry))) {}

Watchdog::~Watchdog() {
  state_->on_expiry = nullptr;
  state_->deadline = base::SteadyTime::max();
  state_->timer.cancel();
}

void Watchdog::set(base::SteadyTime deadline) {
  state_->deadline = deadline;
  state_->expired = false;
  if (deadline < state_->armed_for) arm(state_);
}

void Watchdog::clear() { state_->deadline = base::SteadyTime::max(); }

bool Watchdog::expired() const { return state_->expired; }

void Watchdog::arm(const std::shared_ptr<State>& state) {
  state->armed_for = state->deadline;
  state->timer.expires_at(state->deadline);
  state->timer.async_wait([state](boost::system::error_code error) {
    if (error) return;  // moved forward: the newer wait is in place
    state->armed_for = base::SteadyTime::max();
    if (!state->on_expiry || state->deadline == base::SteadyTime::max()) return;
    if (std::chrono::steady_clock::now() < state->deadline) return arm(state);
    state->deadline = base::SteadyTime::max();
    state->expired = true;
    state->on_expiry();
  });
}

}  // namespace postrider::net
