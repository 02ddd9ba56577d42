// Work that other threads hand to an io_context, in heaps: who comes while a heap waits to be taken wakes nobody. When a
// commit ends, as many sessions go on as it held messages.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <mutex>
#include <vector>

namespace postrider::net {

// The one of its context, which owns it: use_service<Inbox>(context).
class Inbox final : public boost::asio::execution_context::service {
 public:
  using Work = std::move_only_function<void()>;
  using key_type = Inbox;
  static inline boost::asio::execution_context::id id;

  explicit Inbox(boost::asio::execution_context& context);

  // Runs `work`, which throws nothing, soon on the context's thread, in the order of the calls; drops it where the context ends
  // first. Any thread, as long as the context lives. Not bounded: each coroutine that waits puts in one piece.
  void put(Work work);

 private:
  void shutdown() override;
  void work_off() noexcept;

  boost::asio::io_context& context_;
  std::mutex mutex_;
  std::vector<Work> waiting_;
  std::vector<Work> taken_;  // the context's thread
};

}  // namespace postrider::net
