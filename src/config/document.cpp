#include "config/document.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

#include "base/ascii.hpp"

namespace postrider::config {
namespace {

constexpr std::size_t kMaxKeyParts = 256;

Position position(const toml::source_region& source) { return {source.begin.line, source.begin.column}; }

Value convert(const toml::node& node);

std::vector<Entry> convert_entries(const toml::table& table) {
  std::vector<Entry> entries;
  for (const auto& [key, node] : table)
    entries.push_back({std::string(key.str()), position(key.source()), convert(node)});
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::tie(entry.at, entry.key); });
  return entries;
}

Value convert(const toml::node& node) {
  Value value;
  value.at = position(node.source());
  if (const auto* text = node.as_string()) {
    value.kind = Value::Kind::text;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Value::Kind::integer;
    value.integer = integer->get();
    value.number = static_cast<double>(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = Value::Kind::number;
    value.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = Value::Kind::boolean;
    value.boolean = boolean->get();
  } else if (const auto* list = node.as_array()) {
    value.kind = Value::Kind::list;
    for (const auto& item : *list) value.list.push_back(convert(item));
  } else if (const auto* table = node.as_table()) {
    value.kind = Value::Kind::table;
    value.entries = convert_entries(*table);
  } else {
    value.kind = Value::Kind::time;
  }
  return value;
}

// The library bounds brackets but not dotted keys, and takes its tables apart by recursion: a key of a
// hundred thousand parts would use up the stack.
std::optional<Position> overlong_key(std::string_view text) {
  Position at{1, 0};
  std::size_t dots = 0;
  for (const char c : text) {
    ++at.column;
    if (c == '.') ++dots;
    if (dots > kMaxKeyParts) return at;
    const bool in_key = base::is_alnum(c) || base::is_wsp(c) || c == '.' || c == '-' || c == '_' ||
                        c == '"' || c == '\'' || !base::is_ascii(c);
    if (!in_key) dots = 0;
    if (c == '\n') at = {at.line + 1, 0};
  }
  return {};
}

Fault fault(std::string_view file, Position at, std::string what, std::string mend) {
  return {std::string(file), at.line, at.column, std::move(what), std::move(mend)};
}

}  // namespace

std::string_view name_of(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::text:
      return "a string";
    case Value::Kind::integer:
      return "an integer";
    case Value::Kind::number:
      return "a number";
    case Value::Kind::boolean:
      return "true or false";
    case Value::Kind::time:
      return "a date or time";
    case Value::Kind::list:
      return "a list";
    case Value::Kind::table:
      return "a table";
  }
  return "something else";
}

std::expected<Value, Fault> read_document(std::string_view text, std::string_view file) {
  if (text.size() > kMaxDocument)
    return std::unexpected(fault(file, {}, "the file is larger than 16 MiB", "keep it below 16 MiB"));
  if (const auto at = overlong_key(text))
    return std::unexpected(fault(file, *at, "more than 256 dots in a row of words", "no key is that deep"));
  try {
    return convert(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        fault(file, position(error.source()), "not TOML: " + std::string(error.description()),
              "strings stand in \"quotes\", lists in [brackets], each key on its own line"));
  }
}

}  // namespace postrider::config
