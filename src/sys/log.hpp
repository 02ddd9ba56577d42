// The log: one line per event, structured, to standard error (a supervisor keeps it).
// logfmt: `ts=2026-11-22T01:49:27.123Z level=info event=delivered id=01... to=bob@example.com`; or one JSON
// object a line.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace postrider::sys::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { logfmt, json };

// A value is quoted where it needs to be; control characters and invalid UTF-8 are escaped, so that a
// stranger's bytes can't forge a line. At most 1,024 bytes of a value are kept.
struct Field {
  Field(std::string_view field_key, std::string_view field_value) : key(field_key), value(field_value) {}
  Field(std::string_view field_key, const char* field_value) : key(field_key), value(field_value) {}
  Field(std::string_view field_key, const std::string& field_value) : key(field_key), value(field_value) {}
  template <class T>
    requires std::integral<T>
  Field(std::string_view field_key, T number) : key(field_key), value(std::to_string(number)), bare(true) {}

  std::string_view key;  // a literal
  std::string value;
  bool bare = false;  // a number: JSON writes it without quotes
};

// Before the threads start.
void configure(Format format, Level lowest);

// Any thread. Whether write() does anything: for who would gather much for it in vain.
bool writes(Level level);

// Any thread. `event` is a literal: lower_case_with_underscores.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

// What write() prints, for tests.
std::string render(Format format, std::string_view timestamp, Level level, std::string_view event,
                   std::initializer_list<Field> fields);

}  // namespace postrider::sys::log
