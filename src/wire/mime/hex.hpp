// Octets written as a mark and two hexadecimal digits: =41, %41.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/ascii.hpp"

namespace postrider::wire::mime {

// The octet whose two digits follow the mark at `text[at]`; nothing where they don't.
constexpr std::optional<char> hex_octet(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size() || !base::is_hex(text[at + 1]) || !base::is_hex(text[at + 2]))
    return std::nullopt;
  const auto value = [](char c) { return base::is_digit(c) ? c - '0' : base::to_lower(c) - 'a' + 10; };
  return static_cast<char>(value(text[at + 1]) * 16 + value(text[at + 2]));
}

}  // namespace postrider::wire::mime
