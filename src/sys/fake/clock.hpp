// A clock that moves only when a test turns it.
#pragma once

#include <mutex>

#include "sys/clock.hpp"

namespace postrider::sys::fake {

// Any thread.
class Clock final : public sys::Clock {
 public:
  explicit Clock(base::UtcTime start = base::UtcTime(std::chrono::seconds(1'800'000'000))) : utc_(start) {}

  base::UtcTime utc() const override {
    std::lock_guard lock(mutex_);
    return utc_;
  }
  base::SteadyTime steady() const override {
    std::lock_guard lock(mutex_);
    return steady_;
  }
  // Both clocks go on by `step`.
  void advance(base::Milliseconds step) {
    std::lock_guard lock(mutex_);
    utc_ += step;
    steady_ += step;
  }
  // The wall clock jumps; the steady one does not.
  void jump(base::Milliseconds step) {
    std::lock_guard lock(mutex_);
    utc_ += step;
  }

 private:
  mutable std::mutex mutex_;
  base::UtcTime utc_;
  base::SteadyTime steady_{};
};

}  // namespace postrider::sys::fake
