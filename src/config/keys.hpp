// The table of all keys; config.hpp's keys() shows it to people.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/document.hpp"

namespace postrider::config {

// How a value is written. Integers, durations (in ms), sizes (in octets) and numbers have a range; a choice
// has its words in `bounds`, parted by ", ", in the order of the enumerators of its type.
enum class KeyKind : std::uint8_t { text, integer, number, boolean, duration, size, choice, list, table };

struct Spec {
  std::string_view name;  // "queue.retry.first"; "listener[].address": in each [[listener]]
  KeyKind kind;
  std::string_view type;      // for people
  std::string_view fallback;  // as written in the file; "required" or "none"
  std::int64_t low = 0;       // where `kind` has a range
  std::int64_t high = 0;
  std::string_view bounds;  // where it has none
  // Whether two snapshots differ in a key that needs a restart; null: the key is live.
  bool (*differs)(const Config&, const Config&) = nullptr;

  bool has_range() const {
    return kind == KeyKind::integer || kind == KeyKind::number || kind == KeyKind::duration ||
           kind == KeyKind::size;
  }
  std::string bounds_text() const;
  std::vector<std::string> choices() const;
};

const std::vector<Spec>& specs();
// Null where there is no such key.
const Spec* find_spec(std::string_view name);
// Not a key of this version, but of a later one.
bool is_later_key(std::string_view name);

// Gives `next` the values that `running` has for the keys that need a restart.
void keep_restart_keys(const Config& running, Config& next);

}  // namespace postrider::config
