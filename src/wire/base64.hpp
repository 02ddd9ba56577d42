// Base64, strictly: what RFC 4648 3.5 lets a decoder take and not take has one spelling for each octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::wire {

std::string to_base64(std::string_view octets);
// RFC 4648 4: padded, no white space, no bits behind the last octet. Nothing for another text.
std::optional<std::string> from_base64(std::string_view text);

// RFC 4648 5, without padding: as JSON Web Tokens write it (RFC 7515 2).
std::string to_base64url(std::string_view octets);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace postrider::wire
