// A domain's list of keys: a small TOML file with a format number.
#include <algorithm>
#include <array>

#include "config/document.hpp"
#include "directory/dkim_keys.hpp"

namespace postrider::directory {
namespace {

using config::Entry;
using config::Value;
using Kind = config::Value::Kind;

constexpr std::int64_t kFormat = 1;
constexpr std::array<std::string_view, 3> kStates = {"published", "signing", "retired"};

const Value* find(const Value& table, std::string_view key, Kind kind) {
  const auto found = std::ranges::find(table.entries, key, &Entry::key);
  return found != table.entries.end() && found->value.kind == kind ? &found->value : nullptr;
}

std::string text_of(const Value& table, std::string_view key) {
  const Value* value = find(table, key, Kind::text);
  return value ? value->text : std::string();
}

// It becomes the name of a file.
bool is_selector(std::string_view text) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 200 && text.front() != '.' && text.back() != '.' &&
         std::ranges::all_of(text, is_good);
}

std::unexpected<base::Failure> bad(const Value& at, std::string_view what) {
  return base::permanent({5, 3, 5}, "line " + std::to_string(at.at.line) + ": " + std::string(what));
}

base::Result<DkimKey> read_key(const Value& table) {
  DkimKey key;
  key.selector = text_of(table, "selector");
  if (!is_selector(key.selector)) return bad(table, "no good selector");
  const auto state = std::ranges::find(kStates, text_of(table, "state"));
  if (state == kStates.end()) return bad(table, "a state that is none of published, signing, retired");
  key.state = static_cast<DkimState>(state - kStates.begin());
  const auto made = base::parse_rfc3339(text_of(table, "made"));
  const auto since = base::parse_rfc3339(text_of(table, "since"));
  if (!made || !since) return bad(table, "made or since is no time");
  key.made = *made;
  key.since = *since;
  return key;
}

}  // namespace

std::string_view to_string(DkimState state) { return kStates[static_cast<std::size_t>(state)]; }

std::string write_dkim_list(const std::vector<DkimKey>& keys) {
  std::string text = "# The DKIM keys of a domain. `postrider dkim` changes this file.\nformat = 1\n";
  for (const DkimKey& key : keys)
    text += "\n[[key]]\nselector = \"" + key.selector + "\"\nstate = \"" + std::string(to_string(key.state)) +
            "\"\nmade = \"" + base::to_rfc3339(key.made) + "\"\nsince = \"" + base::to_rfc3339(key.since) +
            "\"\n";
  return text;
}

base::Result<std::vector<DkimKey>> parse_dkim_list(std::string_view text) {
  const auto document = config::read_document(text, "list");
  if (!document)
    return base::permanent({5, 3, 5},
                           "line " + std::to_string(document.error().line) + ": " + document.error().what);
  const Value* format = find(*document, "format", Kind::integer);
  if (!format) return base::permanent({5, 3, 5}, "no format number");
  if (format->integer != kFormat)
    return bad(*format, "format " + std::to_string(format->integer) + ", which this version does not know");
  std::vector<DkimKey> keys;
  const Value* list = find(*document, "key", Kind::list);
  if (!list) return keys;
  for (const Value& table : list->list) {
    if (table.kind != Kind::table) return bad(table, "a key that is no table");
    auto key = read_key(table);
    if (!key) return std::unexpected(std::move(key.error()));
    if (std::ranges::find(keys, key->selector, &DkimKey::selector) != keys.end())
      return bad(table, "a second key of this selector");
    keys.push_back(std::move(*key));
  }
  if (keys.size() > kMostDkimKeys) return bad(*list, "more than 20 keys");
  return keys;
}

}  // namespace postrider::directory
