#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/ascii.hpp"

namespace postrider::base {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes so many digits, and what must stand behind them, from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits, std::string_view behind) {
  if (text.size() < digits + behind.size()) return {};
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (!is_digit(c)) return {};
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  if (!iequals(text.substr(0, behind.size()), behind)) return {};
  text.remove_prefix(behind.size());
  return number;
}

// ".5", to the millisecond; nothing where there is no fraction.
std::optional<Milliseconds> take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return Milliseconds(0);
  text.remove_prefix(1);
  int value = 0, unit = 100;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(text[digits]); ++digits, unit /= 10)
    value += (text[digits] - '0') * unit;
  if (digits == 0) return {};
  text.remove_prefix(digits);
  return Milliseconds(value);
}

// "Z", "+01:00"; all of `text`.
std::optional<std::chrono::minutes> zone_of(std::string_view text) {
  if (iequals(text, "Z")) return std::chrono::minutes(0);
  if (!text.starts_with('+') && !text.starts_with('-')) return {};
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2, ":");
  const auto minutes = hours ? take_number(text, 2, "") : std::nullopt;
  if (!minutes || *hours > 23 || *minutes > 59 || !text.empty()) return {};
  return std::chrono::minutes(sign * (*hours * 60 + *minutes));
}

}  // namespace

std::optional<UtcTime> parse_rfc3339(std::string_view text) {
  constexpr std::array<std::pair<std::size_t, std::string_view>, 6> kParts = {
      {{4, "-"}, {2, "-"}, {2, "T"}, {2, ":"}, {2, ":"}, {2, ""}}};
  std::array<int, kParts.size()> part{};
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    const auto number = take_number(text, kParts[i].first, kParts[i].second);
    if (!number) return {};
    part[i] = *number;
  }
  const std::chrono::year_month_day date(std::chrono::year(part[0]),
                                         std::chrono::month(static_cast<unsigned>(part[1])),
                                         std::chrono::day(static_cast<unsigned>(part[2])));
  const auto fraction = take_fraction(text);
  const auto zone = fraction ? zone_of(text) : std::nullopt;
  if (!zone || !date.ok() || part[0] < 1970 || part[3] > 23 || part[4] > 59 || part[5] > 60) return {};
  const UtcTime time = UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(part[3]) +
                       std::chrono::minutes(part[4]) + std::chrono::seconds(part[5]) + *fraction - *zone;
  // The zone may lead out of the years that can be written.
  constexpr UtcTime kEnd = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);
  if (time < UtcTime{} || time >= kEnd) return {};
  return time;
}

std::string to_rfc3339(UtcTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count(), clock.subseconds().count());
}

std::string to_rfc5322(UtcTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::weekday weekday(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", kDays[weekday.c_encoding()],
                     unsigned(date.day()), kMonths[unsigned(date.month()) - 1], int(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace postrider::base
