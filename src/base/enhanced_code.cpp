#include "base/enhanced_code.hpp"

#include <array>
#include <charconv>

namespace postrider::base {

std::string EnhancedCode::to_string() const {
  return std::to_string(cls) + '.' + std::to_string(subject) + '.' + std::to_string(detail);
}

std::optional<EnhancedCode> EnhancedCode::parse(std::string_view text) {
  std::array<unsigned, 3> part{};
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto dot = i < 2 ? text.find('.') : text.size();
    // Each number has one to three digits and no leading zero. RFC 3463 2
    if (dot == std::string_view::npos || dot == 0 || dot > 3 || (dot > 1 && text[0] == '0')) return {};
    const auto [end, error] = std::from_chars(text.data(), text.data() + dot, part[i]);
    if (error != std::errc{} || end != text.data() + dot) return {};
    text.remove_prefix(i < 2 ? dot + 1 : dot);
  }
  if (part[0] != 2 && part[0] != 4 && part[0] != 5) return {};
  return EnhancedCode{static_cast<std::uint8_t>(part[0]), static_cast<std::uint16_t>(part[1]),
                      static_cast<std::uint16_t>(part[2])};
}

}  // namespace postrider::base
