// From a completion that is called on another thread back into a coroutine, with a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

#include "base/time.hpp"
#include "net/inbox.hpp"

namespace postrider::net {

// Calls start(completion), where completion(T) may be called once from any thread, and gives its value; or
// nothing when `at_most` has passed first (a value that comes later is dropped). `start` runs before the
// first suspension, so it may refer to the caller's locals.
template <class T, class Start>
boost::asio::awaitable<std::optional<T>> await_posted(base::Milliseconds at_most, Start start) {
  struct State {
    explicit State(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    std::optional<T> value;
  };
  const auto executor = co_await boost::asio::this_coro::executor;
  auto state = std::make_shared<State>(executor);
  state->timer.expires_after(at_most);
  Inbox& inbox = boost::asio::use_service<Inbox>(executor.context());
  start([&inbox, held = state](T value) mutable {
    // Handed on, not shared: the last to let go of the timer must be its own thread.
    inbox.put([home = std::move(held), arrived = std::move(value)]() mutable {
      home->value = std::move(arrived);
      home->timer.cancel();
    });
  });
  boost::system::error_code cancelled_means_arrived;
  co_await state->timer.async_wait(
      boost::asio::redirect_error(boost::asio::use_awaitable, cancelled_means_arrived));
  co_return std::move(state->value);
}

}  // namespace postrider::net
