// How many recipients are open, by their state.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mail/envelope.hpp"

namespace postrider::store {

// Open recipients, or a change of their number, by mail::RecipientState; [0] is nobody's.
using ByState = std::array<std::int64_t, 4>;
inline std::size_t place_of(std::int64_t state) {
  return state > 0 && state < 4 ? static_cast<std::size_t>(state) : 0;
}

// Any thread.
class OpenRecipients {
 public:
  void add(const ByState& change) {
    for (std::size_t i = 0; i < change.size(); ++i)
      if (change[i] != 0) by_state_[i] += change[i];
  }
  std::uint64_t in(mail::RecipientState state) const { return of(static_cast<std::size_t>(state)); }
  std::uint64_t total() const { return of(0) + of(1) + of(2) + of(3); }

 private:
  std::uint64_t of(std::size_t place) const { return static_cast<std::uint64_t>(by_state_[place].load()); }
  std::array<std::atomic<std::int64_t>, 4> by_state_{};
};

}  // namespace postrider::store
