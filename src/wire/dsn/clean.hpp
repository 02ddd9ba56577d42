// Text from elsewhere, made fit to stand in a field or on a line of ours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::wire::dsn {

enum class Charset : unsigned char { ascii, utf8 };

// One line: control characters become spaces, what is no UTF-8 (or for `ascii`: no ASCII) becomes "?", the ends are
// trimmed, and what is longer than `most` octets is cut behind a whole character.
std::string clean(std::string_view text, Charset charset, std::size_t most);

// The type before a semicolon ("rfc822", "dns", "x-unix"): lower case, without all that no such name has.
inline constexpr std::size_t kMaxType = 60;
std::string clean_type(std::string_view type);

// The end of the last whole UTF-8 character within the first `most` octets.
std::size_t whole_characters(std::string_view text, std::size_t most);

}  // namespace postrider::wire::dsn
