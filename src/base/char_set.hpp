// Characters of a kind, as a table: for what is asked of each octet of a long text.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace postrider::base {

class CharSet {
 public:
  // Of all octets those for which `is_in(char)` is true.
  template <class Predicate>
  explicit constexpr CharSet(Predicate is_in) {
    for (std::size_t i = 0; i < has_.size(); ++i) has_[i] = is_in(static_cast<char>(i));
  }
  constexpr bool has_all(std::string_view text) const {
    bool all = true;
    for (const char c : text) all &= has_[static_cast<unsigned char>(c)];
    return all;
  }

 private:
  std::array<bool, 256> has_{};
};

}  // namespace postrider::base
