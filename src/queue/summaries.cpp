#include "queue/summaries.hpp"

#include <functional>
#include <utility>

namespace postrider::queue {
namespace {

constexpr std::size_t kSmallest = 64;

std::size_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name); }

}  // namespace

// Where it is, or the empty place where it would be. Requires a table.
std::size_t Summaries::place_of(std::string_view name) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t place = hash_of(name) & mask;
  while (table_[place] != kNoSlot && all_[table_[place]].name != name) place = (place + 1) & mask;
  return place;
}

Slot Summaries::find(std::string_view name) const {
  return table_.empty() ? kNoSlot : table_[place_of(name)];
}

Slot Summaries::intern(std::string_view name) {
  if ((size() + 1) * 4 > table_.size() * 3) grow();
  const std::size_t place = place_of(name);
  if (table_[place] != kNoSlot) return table_[place];
  Slot slot = static_cast<Slot>(all_.size());
  if (free_.empty()) {
    all_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  all_[slot].name = name;
  table_[place] = slot;
  return slot;
}

void Summaries::grow() {
  std::vector<Slot> old = std::exchange(table_, {});
  table_.assign(old.empty() ? kSmallest : old.size() * 2, kNoSlot);
  for (const Slot slot : old)
    if (slot != kNoSlot) table_[place_of(all_[slot].name)] = slot;
}

void Summaries::erase(Slot slot) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = place_of(all_[slot].name);
  // Those behind it that would not be found any more past the hole move into it.
  for (std::size_t at = (hole + 1) & mask; table_[at] != kNoSlot; at = (at + 1) & mask) {
    const std::size_t home = hash_of(all_[table_[at]].name) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = kNoSlot;
  all_[slot] = Summary();
  free_.push_back(slot);
}

void Summaries::look_at(Slot slot, base::UtcTime time) {
  Summary& summary = all_[slot];
  summary.look = time;
  summary.order = ++orders_;
  if (summary.heap_place == kNoSlot) {
    heap_.push_back(slot);
    summary.heap_place = static_cast<std::uint32_t>(heap_.size() - 1);
  }
  rise(summary.heap_place);
  sink(summary.heap_place);
}

void Summaries::dont_look(Slot slot) {
  const std::size_t place = std::exchange(all_[slot].heap_place, kNoSlot);
  if (place == kNoSlot) return;
  const Slot last = heap_.back();
  heap_.pop_back();
  if (last == slot) return;
  put(place, last);
  rise(place);
  sink(all_[last].heap_place);
}

bool Summaries::before(Slot a, Slot b) const {
  const Summary& left = all_[a];
  const Summary& right = all_[b];
  if (left.look != right.look) return left.look < right.look;
  return static_cast<std::int32_t>(left.order - right.order) < 0;  // the count may wrap
}

void Summaries::put(std::size_t place, Slot slot) {
  heap_[place] = slot;
  all_[slot].heap_place = static_cast<std::uint32_t>(place);
}

void Summaries::rise(std::size_t place) {
  const Slot slot = heap_[place];
  for (; place > 0 && before(slot, heap_[(place - 1) / 2]); place = (place - 1) / 2)
    put(place, heap_[(place - 1) / 2]);
  put(place, slot);
}

void Summaries::sink(std::size_t place) {
  const Slot slot = heap_[place];
  for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], slot)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, slot);
}

}  // namespace postrider::queue
