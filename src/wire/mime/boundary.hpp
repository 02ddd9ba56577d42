// The line that parts a message into its parts. RFC 2046 5.1.1
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace postrider::wire::mime {

// One that no line of a part begins with. `id`: of this message; letters and digits.
inline std::string boundary_for(std::span<const std::string_view> contents, std::string_view id) {
  for (std::size_t number = 0;; ++number) {
    std::string boundary = "=_" + std::string(id) + '_' + std::to_string(number);
    const std::string delimiter = "--" + boundary;
    if (std::ranges::none_of(contents, [&](std::string_view one) { return one.contains(delimiter); }))
      return boundary;
  }
}

}  // namespace postrider::wire::mime
