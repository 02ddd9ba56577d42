// The two clocks, behind an interface so that a test can turn them.
#pragma once

#include "base/time.hpp"

namespace postrider::sys {

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual base::UtcTime utc() const = 0;
  virtual base::SteadyTime steady() const = 0;
};

// The system's clocks. Lives as long as the process.
Clock& system_clock();

}  // namespace postrider::sys
