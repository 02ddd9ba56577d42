#include <charconv>
#include <limits>

#include "config/values.hpp"

namespace postrider::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// The largest first, for printing.
constexpr Unit kDurations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"TiB", 1ull << 40},
                           {"GiB", 1ull << 30},
                           {"MiB", 1ull << 20},
                           {"KiB", 1ull << 10},
                           {"TB", 1000000000000},
                           {"GB", 1000000000},
                           {"MB", 1000000},
                           {"KB", 1000},
                           {"kB", 1000},
                           {"B", 1},
                           {"", 1}};

// Above it every range of ours has ended, and a product fits into 64 bits with a sign.
constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max() / 2;

template <std::size_t count>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const Unit (&units)[count]) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return {};
  const std::string_view name(end, text.data() + text.size());
  for (const Unit& unit : units)
    if (unit.name == name) return number > kMax / unit.factor ? kMax : number * unit.factor;
  return {};
}

}  // namespace

Parsed<base::Milliseconds> parse_duration(std::string_view text) {
  if (const auto value = parse_with_unit(text, kDurations)) return base::Milliseconds(*value);
  return std::unexpected(Problem{"\"" + std::string(text) + "\" is no duration",
                                 "write a whole number and one of ms, s, m, h, d: \"30s\", \"4h\""});
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  if (const auto value = parse_with_unit(text, kSizes)) return *value;
  return std::unexpected(Problem{
      "\"" + std::string(text) + "\" is no size",
      "write a whole number and one of B, KB, MB, GB, TB (1000) or KiB, MiB, GiB, TiB (1024): \"50MiB\""});
}

std::string show_duration(base::Milliseconds duration) {
  const auto value = static_cast<std::uint64_t>(duration.count());
  if (value == 0) return "0s";
  for (const Unit& unit : kDurations)
    if (value % unit.factor == 0) return std::to_string(value / unit.factor) + std::string(unit.name);
  return std::to_string(value) + "ms";
}

std::string show_size(std::uint64_t octets) {
  for (const Unit& unit : kSizes)
    if (octets != 0 && unit.factor % 1024 == 0 && octets % unit.factor == 0)
      return std::to_string(octets / unit.factor) + std::string(unit.name);
  return std::to_string(octets);
}

}  // namespace postrider::config
