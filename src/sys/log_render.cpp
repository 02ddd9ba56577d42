// The text of a log line. Pure; fuzz/log.cpp holds it to its promise.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/ascii.hpp"
#include "sys/log.hpp"

namespace postrider::sys::log {
namespace {

constexpr std::size_t kLongestValue = 1024;  // octets of a value, before it is escaped
constexpr std::string_view kCutMark = "...";

// Octets of the well-formed character at the front of `text`; 0 where there is none.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return text.size() >= size && base::is_utf8(text.substr(0, size)) ? size : 0;
}

// C1 controls (U+0080 to U+009F), line and paragraph separators and the marks that turn the direction of
// writing: some terminals and viewers obey them, and then a line shows what it doesn't say.
bool is_misleading(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<std::uint8_t>(character[1]) < 0xA0;
  if (character.size() != 3 || character[0] != '\xE2') return false;
  const auto second = static_cast<std::uint8_t>(character[1]);
  const auto third = static_cast<std::uint8_t>(character[2]);
  if (second == 0x80) return third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE);
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

std::uint32_t code_point(std::string_view character) {
  const auto bits = [&](std::size_t i) { return static_cast<std::uint32_t>(character[i] & 0x3F); };
  if (character.size() == 2) return (static_cast<std::uint32_t>(character[0] & 0x1F) << 6) | bits(1);
  return (static_cast<std::uint32_t>(character[0] & 0x0F) << 12) | (bits(1) << 6) | bits(2);
}

std::string_view cut(std::string_view value) {
  std::size_t end = kLongestValue - kCutMark.size();
  // A character has at most three octets behind its first: what goes on longer isn't UTF-8 anyway.
  for (int i = 0; i < 3 && (static_cast<std::uint8_t>(value[end]) & 0xC0u) == 0x80; ++i) --end;
  return value.substr(0, end);
}

void append_ascii(std::string& out, Format format, char c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F) {
    const auto code = static_cast<unsigned>(static_cast<std::uint8_t>(c));
    fmt::format_to(std::back_inserter(out), "\\{}{:02x}", format == Format::json ? "u00" : "x", code);
  } else {
    out += c;
  }
}

// An octet that is not UTF-8: JSON has no word for it, so it becomes U+FFFD there. RFC 8259 8.1
void append_invalid(std::string& out, Format format, char octet) {
  if (format == Format::json)
    out += "\\ufffd";
  else
    fmt::format_to(std::back_inserter(out), "\\x{:02x}",
                   static_cast<unsigned>(static_cast<std::uint8_t>(octet)));
}

void append_escaped(std::string& out, Format format, std::string_view value) {
  while (!value.empty()) {
    const std::size_t size = character_size(value);
    const auto character = value.substr(0, std::max<std::size_t>(size, 1));
    if (size == 0)
      append_invalid(out, format, character[0]);
    else if (size == 1)
      append_ascii(out, format, character[0]);
    else if (is_misleading(character))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code_point(character));
    else
      out += character;
    value.remove_prefix(character.size());
  }
}

void append_quoted(std::string& out, Format format, std::string_view value) {
  out += '"';
  if (value.size() <= kLongestValue) {
    append_escaped(out, format, value);
  } else {
    append_escaped(out, format, cut(value));
    out += kCutMark;
  }
  out += '"';
}

bool is_plain(std::string_view value) {
  return !value.empty() && value.size() <= kLongestValue && std::ranges::all_of(value, [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '=';
  });
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

void append_pair(std::string& out, Format format, const Field& field) {
  if (format == Format::json) {
    append_quoted(out += out.empty() ? "{" : ",", format, field.key);
    out += ':';
    if (field.bare)
      out += field.value;
    else
      append_quoted(out, format, field.value);
    return;
  }
  if (!out.empty()) out += ' ';
  (out += field.key) += '=';
  if (is_plain(field.value))
    out += field.value;
  else
    append_quoted(out, format, field.value);
}

}  // namespace

std::string render(Format format, std::string_view timestamp, Level level, std::string_view event,
                   std::initializer_list<Field> fields) {
  std::string out;
  append_pair(out, format, Field("ts", timestamp));
  append_pair(out, format, Field("level", to_string(level)));
  append_pair(out, format, Field("event", event));
  for (const Field& field : fields) append_pair(out, format, field);
  if (format == Format::json) out += '}';
  return out;
}

}  // namespace postrider::sys::log
