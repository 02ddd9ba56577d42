// Makes message ids that never come twice, also when the clock goes back.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/id.hpp"
#include "sys/clock.hpp"

namespace postrider::store {

// Any thread. The clock outlives it.
class Ids {
 public:
  // Every id is above `last`, the highest that may have been stored before.
  Ids(const sys::Clock& clock, std::uint8_t node, base::MessageId last)
      : clock_(clock), node_(node), last_(last) {}

  base::MessageId next();

 private:
  const sys::Clock& clock_;
  const std::uint8_t node_;
  std::mutex mutex_;
  base::MessageId last_;
};

}  // namespace postrider::store
