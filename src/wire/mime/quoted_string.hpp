// Text as a quoted string. RFC 5322 3.2.4
#pragma once

#include <string>
#include <string_view>

namespace postrider::wire::mime {

// With a backslash before each character that is one of `special`. RFC 5322 3.2.1
inline std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (special.contains(c)) out += '\\';
    out += c;
  }
  return out;
}

// Requires text without control characters.
inline std::string quoted_string(std::string_view text) { return '"' + escaped(text, "\"\\") + '"'; }

}  // namespace postrider::wire::mime
