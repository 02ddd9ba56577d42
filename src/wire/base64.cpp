#include "wire/base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace postrider::wire {
namespace {

constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Values = std::array<std::int8_t, 256>;

constexpr Values values_of(std::string_view alphabet) {
  Values values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}

constexpr Values kPlainValues = values_of(kPlain);
constexpr Values kUrlValues = values_of(kUrl);

// Without padding.
std::string encode(std::string_view octets, std::string_view alphabet) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : octets) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += alphabet[bits << (6 - count) & 63];
  return out;
}

// Without padding.
std::optional<std::string> decode(std::string_view text, const Values& values) {
  const std::size_t tail = text.size() % 4;
  if (tail == 1) return {};
  std::string out(text.size() / 4 * 3 + (tail == 0 ? 0 : tail - 1), '\0');
  const char* in = text.data();
  char* next = out.data();
  const auto value = [&] { return static_cast<std::int32_t>(values[static_cast<unsigned char>(*in++)]); };
  std::int32_t all = 0;  // below 0 where a value was
  for (std::size_t quads = text.size() / 4; quads > 0; --quads) {
    const std::int32_t a = value(), b = value(), c = value(), d = value();
    all |= a | b | c | d;
    *next++ = static_cast<char>(a << 2 | b >> 4);
    *next++ = static_cast<char>(b << 4 | c >> 2);
    *next++ = static_cast<char>(c << 6 | d);
  }
  // Bits that nothing comes of would give one value many spellings. RFC 4648 3.5
  std::int32_t left_over = 0;
  if (tail != 0) {
    const std::int32_t a = value(), b = value(), c = tail == 3 ? value() : 0;
    all |= a | b | c;
    *next++ = static_cast<char>(a << 2 | b >> 4);
    if (tail == 3) *next++ = static_cast<char>(b << 4 | c >> 2);
    left_over = tail == 3 ? c & 3 : b & 15;
  }
  if (all < 0 || left_over != 0) return {};
  return out;
}

}  // namespace

std::string to_base64(std::string_view octets) {
  std::string out = encode(octets, kPlain);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(text, kPlainValues);
}

std::string to_base64url(std::string_view octets) { return encode(octets, kUrl); }

std::optional<std::string> from_base64url(std::string_view text) { return decode(text, kUrlValues); }

}  // namespace postrider::wire
