#include "wire/mime/encoded_word.hpp"

#include <algorithm>
#include <cstdint>

#include "base/ascii.hpp"
#include "wire/mime/charset.hpp"
#include "wire/mime/hex.hpp"
#include "wire/mime/lexer.hpp"

namespace postrider::wire::mime {
namespace {

bool is_charset_char(char c) {
  return base::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '*';
}

// RFC 2047 4.2
std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\r' || text[i] == '\n') {
      i = skip_space(text, i);
    } else if (auto octet = hex_octet(text, i); octet && text[i] == '=') {
      out.push_back(*octet);
      i += 3;
    } else {
      out.push_back(text[i] == '_' ? ' ' : text[i]);
      ++i;
    }
  }
  return out;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (base::is_digit(c)) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// RFC 2047 4.1; what is not of the alphabet is passed over (RFC 2045 6.8).
std::string decode_b(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    if (c == '=') break;
    const int value = base64_value(c);
    if (value < 0) continue;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFF;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xFF));
  }
  return out;
}

std::size_t character_size(std::string_view utf8) {
  std::size_t size = 1;
  while (size < utf8.size() && (static_cast<unsigned char>(utf8[size]) & 0xC0) == 0x80) ++size;
  return size;
}

// Letters and digits alone stand for themselves: more may not in a phrase. RFC 2047 5 (3)
std::string encode_q(std::string_view octets) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    if (base::is_alnum(c))
      out += c;
    else
      out += {'=', kHex[octet >> 4], kHex[octet & 15]};
  }
  return out;
}

}  // namespace

std::optional<EncodedWord> read_encoded_word(std::string_view raw) {
  if (!raw.starts_with("=?")) return std::nullopt;
  const std::string_view head = raw.substr(2, kMaxCharsetName + 1);
  const auto* stop = std::ranges::find_if_not(head, is_charset_char);
  const auto name_size = static_cast<std::size_t>(stop - head.begin());
  if (name_size == 0 || name_size > kMaxCharsetName) return std::nullopt;
  std::size_t at = 2 + name_size;
  if (raw.size() < at + 3 || raw[at] != '?' || raw[at + 2] != '?') return std::nullopt;
  EncodedWord word{raw.substr(2, name_size), base::to_lower(raw[at + 1]), {}, 0};
  if (word.encoding != 'q' && word.encoding != 'b') return std::nullopt;
  at += 3;
  // The encoded text has no question mark, so that the first one ends it: a search never goes over the same
  // text twice.
  const std::size_t end = raw.find('?', at);
  if (end == std::string_view::npos || raw.substr(end, 2) != "?=") return std::nullopt;
  word.text = raw.substr(at, end - at);
  word.charset = word.charset.substr(0, word.charset.find('*'));
  word.size = end + 2;
  return word;
}

std::string encoded_words(std::string_view utf8, std::size_t column) {
  constexpr std::string_view kBegin = "=?utf-8?q?", kEnd = "?=";
  constexpr std::size_t kMostLine = 76, kMostWord = 75;
  std::string out(kBegin);
  std::size_t room = std::min(kMostWord, kMostLine - column) - kBegin.size() - kEnd.size();
  while (!utf8.empty()) {
    const std::string one = encode_q(utf8.substr(0, character_size(utf8)));
    utf8.remove_prefix(character_size(utf8));
    if (one.size() > room) {
      out.append(kEnd).append("\r\n ").append(kBegin);
      room = kMostWord - kBegin.size() - kEnd.size();
    }
    out += one;
    room -= one.size();
  }
  return out.append(kEnd);
}

std::optional<std::string> decode(const EncodedWord& word) {
  auto text = to_utf8(word.encoding == 'b' ? decode_b(word.text) : decode_q(word.text), word.charset);
  if (!text) return std::nullopt;
  return without_controls(std::move(*text));
}

}  // namespace postrider::wire::mime
