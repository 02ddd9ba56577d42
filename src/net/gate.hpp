// Counts what is under way, so that a shutdown can wait for all of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace postrider::net {

// Any thread. A Pass is held by each connection's coroutine for its whole life.
class Gate {
 public:
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_) gate_->leave();
    }

   private:
    friend class Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Gate* gate_;
  };

  Pass enter() {
    std::lock_guard lock(mutex_);
    ++inside_;
    return Pass(this);
  }
  std::size_t inside() const {
    std::lock_guard lock(mutex_);
    return inside_;
  }
  // True when everybody has left before the deadline.
  bool wait_empty(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    return left_.wait_for(lock, at_most, [this] { return inside_ == 0; });
  }

 private:
  void leave() {
    std::lock_guard lock(mutex_);
    if (--inside_ == 0) left_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable left_;
  std::size_t inside_ = 0;
};

}  // namespace postrider::net
