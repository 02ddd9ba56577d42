// What is known of each destination with waiting mail, found by its name; and when each is to be looked at next.
//
// A million of them fit into 150 MB, so only what every one needs stands here. One thread. Nothing depends on the
// order of a hash: the same calls give the same order of looks.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace postrider::queue {

struct Lane;

// Names a summary while it lives; names are given again.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xFFFFFFFF;
inline constexpr std::uint32_t kNoSite = 0xFFFFFFFF;
inline constexpr base::UtcTime kNever = base::UtcTime::max();

struct Summary {
  std::string name;
  base::UtcTime next_due = kNever;  // the earliest on the disk that nobody owns
  base::UtcTime look{};             // while it is in the heap
  Lane* lanes = nullptr;            // of what is in memory, or was a moment ago
  std::uint32_t order = 0;          // of looks at the same time
  std::uint32_t heap_place = kNoSlot;
  std::uint32_t in_memory = 0;   // recipients that we own: waiting, under attempt, or being recorded
  std::uint32_t waiting = 0;     // of these, those that wait for an attempt
  std::uint32_t site = kNoSite;  // where its mail went last
  std::uint32_t parked_at = 0;   // the site whose list it is in; kNoSite: the list of what is suspended
  Slot next_parked = kNoSlot;    // in that list
  Slot before_parked = kNoSlot;
  std::uint16_t let_in = 0;  // recipients that came in although others were before them on the disk
  bool parked = false;       // on such a list, and not in the heap
  bool called = false;       // by its site, for the next claim
  bool claiming = false;     // a claim is under way
  bool far = false;          // it has dues of another clock, and is to be looked at for them
  bool in_overdue = false;   // to be asked whether it has moved
};

class Summaries {
 public:
  // kNoSlot: none.
  Slot find(std::string_view name) const;
  // Makes one where there is none. Its address stays the same until erase().
  Slot intern(std::string_view name);
  // Requires that it is not in the heap.
  void erase(Slot slot);
  Summary& operator[](Slot slot) { return all_[slot]; }
  const Summary& operator[](Slot slot) const { return all_[slot]; }
  std::size_t size() const { return all_.size() - free_.size(); }
  // Slots are below it; those of erased ones have no name.
  Slot end() const { return static_cast<Slot>(all_.size()); }

  // A heap of what is to be looked at: the earliest first, of the same time in the order of their calls.
  void look_at(Slot slot, base::UtcTime time);
  void dont_look(Slot slot);
  Slot first() const { return heap_.empty() ? kNoSlot : heap_.front(); }

 private:
  std::size_t place_of(std::string_view name) const;
  void grow();
  bool before(Slot a, Slot b) const;
  void put(std::size_t place, Slot slot);
  void rise(std::size_t place);
  void sink(std::size_t place);

  std::deque<Summary> all_;
  std::vector<Slot> free_;
  std::vector<Slot> table_;  // open addressing, at most 3/4 full; its size is a power of two
  std::vector<Slot> heap_;
  std::uint32_t orders_ = 0;
};

}  // namespace postrider::queue
