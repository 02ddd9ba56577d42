// What --since accepts.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace postrider::app {

// "90s", "10m", "2h", "3d" before `now`; or a date, "2026-11-22", "2026-11-22T10:00" or "2026-11-22T10:00:30", in UTC, with or
// without a Z. Nothing for another text. Pure.
std::optional<base::UtcTime> parse_since(std::string_view text, base::UtcTime now);

}  // namespace postrider::app
