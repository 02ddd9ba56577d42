// What the queue counts. docs/metrics.md
#pragma once

#include "mail/outcome.hpp"
#include "sys/metrics.hpp"

namespace postrider::queue::counts {

inline std::size_t place_of(mail::Action action) { return static_cast<std::size_t>(action) - 1; }
inline constexpr std::size_t kHeld = 6;

// By CourierKind and action: recipients for whom an attempt ended so.
extern sys::Counters attempts;
// By action, or kHeld: what was recorded of recipients.
extern sys::Counters outcomes;
// By Notice.
extern sys::Counters notifications;
// Of the strand, which sets them: in memory, under attempt.
extern sys::Gauges in_memory, under_attempt;

}  // namespace postrider::queue::counts
