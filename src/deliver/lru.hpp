// A map that keeps the most recently used entries, up to a bound.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace postrider::deliver {

// One thread at a time.
template <class Value>
class Lru {
 public:
  explicit Lru(std::size_t bound) : bound_(bound) {}

  // Null where there is none. The pointer holds until the next put() or erase().
  Value* find(const std::string& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }
  Value& put(const std::string& key, Value value) {
    erase(key);
    if (entries_.size() >= bound_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_[key] = entries_.begin();
    return entries_.front().second;
  }
  void erase(const std::string& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    entries_.erase(found->second);
    places_.erase(found);
  }
  std::size_t size() const { return entries_.size(); }

 private:
  std::size_t bound_;
  std::list<std::pair<std::string, Value>> entries_;  // most recent first
  std::unordered_map<std::string, typename std::list<std::pair<std::string, Value>>::iterator> places_;
};

}  // namespace postrider::deliver
