// One connection's deadline. Moving it costs a store; the timer is armed again only when it fires early.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "base/time.hpp"

namespace postrider::net {

// Thread rule: the io_context's one thread. `on_expiry` is called at most once for each deadline that passed.
class Watchdog {
 public:
  Watchdog(boost::asio::any_io_executor executor, std::function<void()> on_expiry);
  ~Watchdog();

  // From now on the deadline is `deadline`; expired() is false again.
  void set(base::SteadyTime deadline);
  // No deadline.
  void clear();
  bool expired() const;

 private:
  struct State;
  static void arm(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;  // shared with the pending wait
};

}  // namespace postrider::net
