// A TOML text as plain values with their positions. Only document.cpp knows the TOML library.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace postrider::config {

// From 1; line 0 means the file as a whole. Columns count characters.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Entry;

struct Value {
  enum class Kind : std::uint8_t { text, integer, number, boolean, time, list, table };

  Kind kind = Kind::table;
  Position at;
  std::string text;            // text
  std::int64_t integer = 0;    // integer
  double number = 0;           // number, and integer too
  bool boolean = false;        // boolean
  std::vector<Value> list;     // list
  std::vector<Entry> entries;  // table, in the order of the file
};

struct Entry {
  std::string key;
  Position at;
  Value value;
};

// "a string", "a list": for faults.
std::string_view name_of(Value::Kind kind);

constexpr std::size_t kMaxDocument = 16u << 20;

// Bounds: 16 MiB of text, 256 parts of a dotted key, 256 levels of brackets; above them a fault.
std::expected<Value, Fault> read_document(std::string_view text, std::string_view file);

}  // namespace postrider::config
