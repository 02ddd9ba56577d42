// Events of the timeline as bytes. docs/timeline-format.md has the layout. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "store/timeline.hpp"

namespace postrider::store {

// Of one fact's value; what is longer is cut.
inline constexpr std::size_t kMaxFactBytes = 32u << 10;
// Of one event without its addresses; facts behind it are left out.
inline constexpr std::size_t kMaxEventBytes = 256u << 10;

// Appends the event, without message and addresses: the row has the one, the index the other.
void append_event(std::string& out, const Event& event);

// All events of `bytes`, in the order in which they were appended. Nothing where they are damaged.
std::optional<std::vector<ReadEvent>> decode_events(base::MessageId message, std::string_view bytes);

// From when the age of a message counts.
struct TimelineAge {
  std::optional<base::UtcTime> ended;           // of the event that was its last
  base::UtcTime latest = base::UtcTime::min();  // of any event
  base::UtcTime counts_from() const { return ended.value_or(latest); }
};
// Takes these events into account as well. False where they are damaged.
bool add_age(base::MessageId message, std::string_view bytes, TimelineAge& age);

// The number of a name that is known, 0 for others; and back, empty where there is none.
std::uint64_t fact_number(std::string_view name);
std::string_view fact_name(std::uint64_t number);

}  // namespace postrider::store
