// Who is next among many of different priority (RFC 6710): turns within each priority, the highest first. One below is not
// left out for ever: it has its turn when others had theirs kPatience times for each priority that is above it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "queue/turns.hpp"

namespace postrider::queue {

// T has Turn<T> as its base and a `priority` that stays as it is while it waits.
template <class T>
class Bands {
 public:
  static constexpr std::uint32_t kPatience = 10;

  bool empty() const { return bands_.empty(); }
  void add(T& one) {
    auto at = std::ranges::find_if(bands_, [&](const Band& band) { return band.priority <= one.priority; });
    if (at == bands_.end() || at->priority != one.priority) at = bands_.insert(at, Band{one.priority, {}, 0});
    at->turns.add(one);
  }
  void remove(T& one) {
    if (!one.waits_in_ring()) return;
    const auto at = std::ranges::find(bands_, one.priority, &Band::priority);
    at->turns.remove(one);
    if (at->turns.empty()) bands_.erase(at);
  }
  // Who is next, as Turns::pay(); it has had its turn when this returns. Requires that there is one.
  template <class Cost>
  T& pay(std::int64_t quantum, Cost cost) {
    std::size_t chosen = 0;
    for (std::size_t i = 1; i < bands_.size(); ++i)
      if (bands_[i].passed >= kPatience * i) chosen = i;
    for (std::size_t i = 1; i < bands_.size(); ++i) ++bands_[i].passed;
    bands_[chosen].passed = 0;
    return bands_[chosen].turns.pay(quantum, cost);
  }
  // One that waits, of the highest. Requires that there is one.
  T* front() const { return bands_.front().turns.front(); }
  // For looking only: f(T) must not change the ring.
  template <class F>
  void each(F f) const {
    for (const Band& band : bands_) band.turns.each(f);
  }

 private:
  struct Band {
    std::int8_t priority = 0;
    Turns<T> turns;
    std::uint32_t passed = 0;  // turns that others had
  };
  std::vector<Band> bands_;  // highest first, none without something that waits; at most 19
};

}  // namespace postrider::queue
