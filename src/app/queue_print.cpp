#include "app/queue_print.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdio>
#include <iostream>
#include <optional>

namespace postrider::app {
namespace {

using boost::json::object;
using std::chrono::seconds;

// Of a table's columns on a terminal. What a list has beside its three long columns is about kNarrow wide; these share
// the rest.
constexpr std::size_t kNarrow = 60;
constexpr std::size_t kNarrowest = 14;
constexpr std::size_t kWidest = 32;

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::optional<base::UtcTime> parse_time(std::string_view rfc3339) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const int read = std::sscanf(std::string(rfc3339).c_str(), "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour,
                               &minute, &second);
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (read != 6 || !date.ok()) return {};
  return base::UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + seconds(second);
}

}  // namespace

std::string text(const object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* found = value ? value->if_string() : nullptr;
  return found ? std::string(*found) : std::string();
}

std::uint64_t number(const object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value && value->is_uint64()) return value->get_uint64();
  return value && value->is_int64() && value->get_int64() > 0 ? static_cast<std::uint64_t>(value->get_int64())
                                                              : 0;
}

bool flag(const object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

const object* inner(const object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

std::vector<const object*> objects(const object& object, std::string_view name) {
  std::vector<const boost::json::object*> all;
  const auto* value = object.if_contains(name);
  if (!value || !value->is_array()) return all;
  for (const auto& each : value->get_array())
    if (each.is_object()) all.push_back(&each.get_object());
  return all;
}

std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    if (c == '\n' && i + 1 < text.size()) {
      out += " / ";
    } else if (c == '\t') {
      out += ' ';
    } else {
      out += c < 32 || c == 127 || c1 ? '?' : static_cast<char>(c);
    }
  }
  return out;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

std::string cut(std::string_view text, std::size_t most) {
  if (columns(text) <= most) return std::string(text);
  if (most == 0) return {};
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes)
    if (starts_character(text[bytes]) && ++seen == most) break;
  return std::string(text.substr(0, bytes)) + "…";
}

std::string size_text(std::uint64_t octets) {
  if (octets < 1024) return fmt::format("{} B", octets);
  auto value = static_cast<double>(octets);
  std::size_t unit = 0;
  constexpr std::array<std::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  for (value /= 1024; value >= 1023.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                      : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return digits;
}

std::string counted(std::uint64_t number, std::string_view thing) {
  return grouped(number) + ' ' + std::string(thing) + (number == 1 ? "" : "s");
}

std::string span_text(base::Milliseconds span) {
  const auto total = std::chrono::floor<seconds>(span).count();
  const std::array<std::pair<std::int64_t, char>, 4> units = {
      {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto [size, name] = units[i];
    if (total < size && size != 1) continue;
    std::string out = fmt::format("{}{}", total / size, name);
    // Minutes and seconds together are more than anybody wants to know.
    if (size >= 3600 && total % size >= units[i + 1].first)
      out += fmt::format(" {}{}", total % size / units[i + 1].first, units[i + 1].second);
    return out;
  }
  return "0s";
}

std::string until_text(std::string_view rfc3339, base::UtcTime now) {
  const auto time = parse_time(rfc3339);
  if (!time) return "-";
  return *time <= now ? "now" : "in " + span_text(std::chrono::ceil<seconds>(*time - now));
}

std::string age_text(std::string_view rfc3339, base::UtcTime now) {
  const auto time = parse_time(rfc3339);
  return time ? span_text(std::max(now - *time, base::Milliseconds(0))) : "-";
}

std::string since_text(std::string_view rfc3339, base::UtcTime now) {
  const std::string age = age_text(rfc3339, now);
  return age == "-" ? age : age + " ago";
}

std::string time_text(std::string_view rfc3339) {
  if (rfc3339.size() < 19) return harmless(rfc3339);
  return harmless(rfc3339.substr(0, 10)) + ' ' + harmless(rfc3339.substr(11, 8)) + " UTC";
}

std::size_t terminal_width() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

Table::Table(std::vector<std::string> headings) : widths_(headings.size()) { add(std::move(headings)); }

void Table::add(std::vector<std::string> row) {
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = harmless(row[i]);
  rows_.push_back(std::move(row));
}

void Table::print() {
  const std::size_t width = terminal_width();
  const std::size_t widest = std::clamp((width - std::min(width, kNarrow)) / 3, kNarrowest, kWidest);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t wide = columns(row[i]);
      widths_[i] = std::max(widths_[i], width == 0 ? wide : std::min(wide, widest));
    }
  }
  for (const auto& row : rows_) print_line(row, width);
  rows_.clear();
}

void Table::print_line(const std::vector<std::string>& row, std::size_t width) {
  std::string line;
  for (std::size_t i = 0; i + 1 < row.size(); ++i) {
    const std::string cell = width == 0 ? row[i] : cut(row[i], widths_[i]);
    line += cell + std::string(widths_[i] - std::min(widths_[i], columns(cell)) + 2, ' ');
  }
  line += row.back();
  while (line.ends_with(' ')) line.pop_back();
  std::cout << (width == 0 ? line : cut(line, width)) << '\n';
}

}  // namespace postrider::app
