#include "admin/members.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace postrider::admin {
namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

std::string_view view(const boost::json::value& value) {
  const auto& text = value.get_string();
  return {text.data(), text.size()};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

}  // namespace

const boost::json::value* Members::find(std::string_view name) {
  known_.push_back(name);
  return failure_ ? nullptr : object_.if_contains(name);
}

void Members::fault(std::string text) {
  if (!failure_) failure_ = base::Failure{{5, 5, 4}, std::move(text), {}};
}

void Members::need(std::string_view name) {
  if (!object_.contains(name)) fault(quoted(name) + " is missing");
}

bool Members::check_text(std::string_view name, const boost::json::value& value, std::size_t longest) {
  if (!value.is_string()) {
    fault(quoted(name) + " is no text");
  } else if (value.get_string().size() > longest) {
    fault(quoted(name) + " is longer than " + std::to_string(longest) + " bytes");
  } else if (std::ranges::any_of(view(value), is_control)) {
    fault(quoted(name) + " has a control character");
  }
  return !failure_;
}

std::optional<std::string> Members::text(std::string_view name, std::size_t longest) {
  const auto* value = find(name);
  if (!value || !check_text(name, *value, longest)) return {};
  return std::string(view(*value));
}

std::optional<std::vector<std::string>> Members::texts(std::string_view name, std::size_t longest,
                                                       std::size_t most) {
  const auto* value = find(name);
  if (!value) return {};
  if (!value->is_array()) fault(quoted(name) + " is no list");
  if (!failure_ && value->get_array().size() > most)
    fault(quoted(name) + " has more than " + std::to_string(most) + " entries");
  if (failure_) return {};
  std::vector<std::string> all;
  for (const auto& each : value->get_array()) {
    if (!check_text(name, each, longest)) return {};
    all.emplace_back(view(each));
  }
  return all;
}

std::optional<std::int64_t> Members::number(std::string_view name, std::int64_t low, std::int64_t high) {
  const auto* value = find(name);
  if (!value) return {};
  if (value->is_int64() && value->get_int64() >= low && value->get_int64() <= high) return value->get_int64();
  fault(quoted(name) + " is no number from " + std::to_string(low) + " to " + std::to_string(high));
  return {};
}

bool Members::flag(std::string_view name) {
  const auto* value = find(name);
  if (!value) return false;
  if (value->is_bool()) return value->get_bool();
  fault(quoted(name) + " is neither true nor false");
  return false;
}

const boost::json::object* Members::object(std::string_view name) {
  const auto* value = find(name);
  if (!value) return nullptr;
  if (!value->is_object()) fault(quoted(name) + " is no object");
  return value->if_object();
}

std::optional<std::size_t> Members::word(std::string_view name,
                                         std::initializer_list<std::string_view> words) {
  const auto read = text(name, 100);
  if (!read) return {};
  const auto* const place = std::ranges::find(words, *read);
  if (place != words.end()) return static_cast<std::size_t>(place - words.begin());
  std::string all;
  for (const auto each : words) all += (all.empty() ? "" : ", ") + std::string(each);
  fault(quoted(name) + " is none of " + all);
  return {};
}

void Members::finish() {
  for (const auto& member : object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::ranges::find(known_, name) != known_.end()) continue;
    const bool fit_to_print = name.size() <= 40 && std::ranges::none_of(name, is_control);
    fault("unknown member" + (fit_to_print ? " " + quoted(name) : std::string()));
  }
}

}  // namespace postrider::admin
