// What happens to DMARC reports, in numbers. docs/metrics.md
#pragma once

#include <string_view>

#include "sys/metrics.hpp"

namespace postrider::reports::counts {

// Messages that were judged and are to be reported of; and those for which there was no place.
enum class Seen : unsigned char { recorded, dropped };
extern sys::Counters seen;
enum class Outgoing : unsigned char { sent, unwanted, too_large, put_off, given_up };
extern sys::Counters outgoing;
// Failure reports to others: `bounded` by how many there may be in a day, `dropped` where something else failed.
enum class Failure : unsigned char { sent, unwanted, bounded, dropped };
std::string_view to_string(Failure failure);
extern sys::Counters failures;
enum class Received : unsigned char { stored, known, unreadable };
extern sys::Counters received;

}  // namespace postrider::reports::counts
