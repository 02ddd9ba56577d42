// Enhanced mail system status codes, RFC 3463 and the registry of RFC 5248.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::base {

// class "." subject "." detail. cls is 2, 4 or 5; subject and detail are 0 to 999. RFC 3463 2
struct EnhancedCode {
  std::uint8_t cls = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  auto operator<=>(const EnhancedCode&) const = default;

  std::string to_string() const;
  // The whole text must be a code: "5.1.1". Nothing else on the line.
  static std::optional<EnhancedCode> parse(std::string_view text);
};

}  // namespace postrider::base
