// What `postrider queue` prints for people: tables, ages, and a stranger's texts made harmless.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace postrider::app {

// Members of an answer (admin/answer.hpp); what is not there is empty, or zero.
std::string text(const boost::json::object& object, std::string_view name);
std::uint64_t number(const boost::json::object& object, std::string_view name);
bool flag(const boost::json::object& object, std::string_view name);
// Null where it is not there.
const boost::json::object* inner(const boost::json::object& object, std::string_view name);
std::vector<const boost::json::object*> objects(const boost::json::object& object, std::string_view name);

// On one line, without what a terminal could take for a command: control characters become "?".
std::string harmless(std::string_view text);
// Code points, where each is one column wide.
std::size_t columns(std::string_view text);
// At most so many columns; the last is "…" where something is cut off.
std::string cut(std::string_view text, std::size_t columns);

// "850 B", "4.1 KiB", "12 MiB".
std::string size_text(std::uint64_t octets);
// "1,234,567"
std::string grouped(std::uint64_t number);
// "1 recipient", "12 recipients"
std::string counted(std::uint64_t number, std::string_view thing);
// The two greatest units: "45s", "12m", "3h 5m", "2d 4h".
std::string span_text(base::Milliseconds span);
// Of an answer's time; "-" where it is none. "in 12m", "now" where it has passed.
std::string until_text(std::string_view rfc3339, base::UtcTime now);
// "12m"; "12m ago".
std::string age_text(std::string_view rfc3339, base::UtcTime now);
std::string since_text(std::string_view rfc3339, base::UtcTime now);
// "2026-11-22 01:49:27 UTC"
std::string time_text(std::string_view rfc3339);

// Of standard output: nothing where it is no terminal.
std::size_t terminal_width();

// Rows under headings, two spaces between the columns. Widths stay at least what they were, so that pages stand
// beneath each other. On a terminal, long cells are cut so that the last column has room, and lines to its width.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> row);
  // Prints what was added, after the headings the first time. Empty: nothing.
  void print();

 private:
  void print_line(const std::vector<std::string>& row, std::size_t width);
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;  // the headings first
};

}  // namespace postrider::app
