// Two clocks' points in time. Due times and what is stored or printed are UTC; deadlines are steady.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::base {

using Milliseconds = std::chrono::milliseconds;
using UtcTime = std::chrono::sys_time<Milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// "2026-11-22T01:49:27.123Z", for logs. RFC 3339 5.6
std::string to_rfc3339(UtcTime time);
// "Sun, 22 Nov 2026 01:49:27 +0000", for trace header fields. RFC 5322 3.3
std::string to_rfc5322(UtcTime time);
// "2026-11-22T01:49:27Z", "2026-11-22t02:49:27.5+01:00"; of the years 1970 to 9999. A leap second is the one after it, what
// is finer than a millisecond is left out. RFC 3339 5.6
std::optional<UtcTime> parse_rfc3339(std::string_view text);

}  // namespace postrider::base
