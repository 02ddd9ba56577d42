#include "wire/smtp/xtext.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/ascii.hpp"

namespace postrider::wire::smtp {
namespace {

bool is_xchar(char c) { return c >= '!' && c <= '~' && c != '+' && c != '='; }

std::optional<std::uint32_t> parse_hex(std::string_view digits) {
  if (digits.empty() || !std::ranges::all_of(digits, base::is_hex)) return {};
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{}) return {};
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t octet) { out += static_cast<char>(octet); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

// "\x{...}" at the start of `text`, which is left at what follows. A point may not be a control, a surrogate
// or above U+10FFFF.
std::optional<std::uint32_t> take_embedded(std::string_view& text) {
  constexpr std::string_view kOpen = "\\x{";
  constexpr std::size_t kMaxDigits = 6;
  const auto close = text.find('}');
  if (!text.starts_with(kOpen) || close == std::string_view::npos || close > kOpen.size() + kMaxDigits)
    return {};
  const auto point = parse_hex(text.substr(kOpen.size(), close - kOpen.size()));
  text.remove_prefix(close + 1);
  if (!point || *point < 0x20 || (*point >= 0x7F && *point < 0xA0)) return {};
  if ((*point >= 0xD800 && *point <= 0xDFFF) || *point > 0x10FFFF) return {};
  return point;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      out += text[i];
      continue;
    }
    const auto value = text.size() - i > 2 ? parse_hex(text.substr(i + 1, 2)) : std::nullopt;
    if (text[i] != '+' || !value) return {};
    out += static_cast<char>(*value);
    i += 2;
  }
  return out;
}

std::string encode_xtext(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_xchar(c)) {
      out += c;
      continue;
    }
    const auto octet = static_cast<std::uint8_t>(c);
    out += '+';
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

std::optional<std::string> decode_utf8_address(std::string_view text, bool raw_utf8) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '\\') {
      const auto point = take_embedded(text);
      if (!point) return {};
      append_utf8(out, *point);
      continue;
    }
    const bool raw = !base::is_ascii(text.front());
    if (raw ? !raw_utf8 : !is_xchar(text.front())) return {};
    out += text.front();
    text.remove_prefix(1);
  }
  if (!base::is_utf8(out)) return {};
  return out;
}

std::string encode_utf8_address(std::string_view text, bool raw_utf8) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    const std::string_view character = text.substr(i, length);
    i += length;
    if (length == 1 ? is_xchar(text[i - 1]) && character != "\\" : raw_utf8) {
      out += character;
      continue;
    }
    std::uint32_t point = length == 1 ? first : first & (0xFF >> (length + 1));
    for (const char c : character.substr(1)) point = (point << 6) | (static_cast<std::uint8_t>(c) & 0x3F);
    out += fmt::format("\\x{{{:02X}}}", point);
  }
  return out;
}

}  // namespace postrider::wire::smtp
