#include "sys/clock.hpp"

namespace postrider::sys {
namespace {

class SystemClock final : public Clock {
 public:
  base::UtcTime utc() const override {
    return std::chrono::floor<base::Milliseconds>(std::chrono::system_clock::now());
  }
  base::SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace postrider::sys
