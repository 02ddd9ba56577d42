#include "app/trace_when.hpp"

#include <charconv>

#include "config/values.hpp"

namespace postrider::app {
namespace {

// Takes exactly so many digits, and what stands before them.
std::optional<int> take(std::string_view& text, std::string_view before, std::size_t digits) {
  if (!text.starts_with(before) || text.size() < before.size() + digits) return {};
  const std::string_view number = text.substr(before.size(), digits);
  int value = 0;
  const auto read = std::from_chars(number.data(), number.data() + digits, value);
  if (read.ec != std::errc() || read.ptr != number.data() + digits || value < 0) return {};
  text.remove_prefix(before.size() + digits);
  return value;
}

std::optional<base::Milliseconds> take_clock(std::string_view& text) {
  const auto hour = take(text, "T", 2);
  const auto minute = hour ? take(text, ":", 2) : std::nullopt;
  if (!minute || *hour > 23 || *minute > 59) return {};
  const auto second = text.starts_with(':') ? take(text, ":", 2) : 0;
  if (!second || *second > 59) return {};
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

std::optional<base::UtcTime> parse_date(std::string_view text) {
  const auto year = take(text, "", 4);
  const auto month = year ? take(text, "-", 2) : std::nullopt;
  const auto day = month ? take(text, "-", 2) : std::nullopt;
  if (!day) return {};
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return {};
  const auto clock = text.empty() ? base::Milliseconds(0) : take_clock(text);
  if (!clock || !(text.empty() || text == "Z")) return {};
  return base::UtcTime(std::chrono::sys_days(date)) + *clock;
}

}  // namespace

std::optional<base::UtcTime> parse_since(std::string_view text, base::UtcTime now) {
  if (const auto span = config::parse_duration(text)) return now - *span;
  return parse_date(text);
}

}  // namespace postrider::app
