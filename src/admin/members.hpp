// Reads the members of one JSON object, as strictly as a stranger's: what is missing, of another type, out of its
// range or unknown is a fault.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace postrider::admin {

// The first fault is kept, and every read after it gives nothing. The object outlives it. One thread.
class Members {
 public:
  explicit Members(const boost::json::object& object) : object_(object) {}

  // A read of a member that is not there gives nothing, and is no fault. A text has at most `longest` bytes and no
  // control character.
  std::optional<std::string> text(std::string_view name, std::size_t longest);
  std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t longest, std::size_t most);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t low, std::int64_t high);
  bool flag(std::string_view name);  // false where it is not there
  const boost::json::object* object(std::string_view name);
  // The place of the member's text in `words`.
  std::optional<std::size_t> word(std::string_view name, std::initializer_list<std::string_view> words);
  // Of a text: `parse` gives a Result. The fault names the member.
  template <class T, class Parse>
  std::optional<T> parsed(std::string_view name, std::size_t longest, Parse parse);

  void need(std::string_view name);  // a fault where it is not there
  void fault(std::string text);
  // A fault where there is a member that was not asked for.
  void finish();
  const std::optional<base::Failure>& failure() const { return failure_; }

 private:
  const boost::json::value* find(std::string_view name);
  bool check_text(std::string_view name, const boost::json::value& value, std::size_t longest);

  const boost::json::object& object_;
  std::vector<std::string_view> known_;
  std::optional<base::Failure> failure_;
};

template <class T, class Parse>
std::optional<T> Members::parsed(std::string_view name, std::size_t longest, Parse parse) {
  const auto read = text(name, longest);
  if (!read) return {};
  base::Result<T> result = parse(*read);
  if (result) return std::move(*result);
  fault("\"" + std::string(name) + "\": " + result.error().text);
  return {};
}

}  // namespace postrider::admin
