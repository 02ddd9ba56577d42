// Text in one piece, without the strings that a + b + c makes on the way.
#pragma once

#include <string>
#include <string_view>

namespace postrider::base {

// Appends each part (text, or a character) in turn; returns `out`.
template <class... Parts>
std::string& append(std::string& out, const Parts&... parts) {
  ((out += parts), ...);
  return out;
}

}  // namespace postrider::base
