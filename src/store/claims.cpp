#include "store/claims.hpp"

#include <algorithm>

namespace postrider::store {

void Claims::add(std::string_view destination, const DueKey& key, base::SteadyTime until) {
  remove(key.id);
  auto found = destinations_.find(destination);
  if (found == destinations_.end()) found = destinations_.emplace(destination, Destination{}).first;
  ++found->second.owned;
  owned_.emplace(key.id, Owned{&*found, key.due, until});
  if (until != kForever) leases_.emplace(until, key.id);
}

void Claims::remove(RecipientId id) {
  const auto found = owned_.find(id);
  if (found == owned_.end()) return;
  const Owned owned = found->second;
  if (owned.until != kForever) leases_.erase({owned.until, id});
  owned_.erase(found);
  if (--owned.destination->second.owned == 0)
    destinations_.erase(destinations_.find(owned.destination->first));
}

void Claims::release_locked(RecipientId id) {
  const auto found = owned_.find(id);
  if (found == owned_.end()) return;
  // Before its removal, which may be the end of the destination's entry and so of its name.
  lower(found->second.destination->first, {found->second.due, id});
  remove(id);
}

void Claims::lower(std::string_view destination, const DueKey& key) {
  if (const auto found = destinations_.find(destination); found != destinations_.end())
    found->second.cursor = std::min(found->second.cursor, key);
  if (!scanning_) return;
  const auto found = lowered_.find(destination);
  if (found == lowered_.end())
    lowered_.emplace(destination, key);
  else
    found->second = std::min(found->second, key);
}

void Claims::own(std::string_view destination, const DueKey& key, base::SteadyTime until) {
  std::lock_guard lock(mutex_);
  add(destination, key, until);
}

void Claims::forget(RecipientId id) {
  std::lock_guard lock(mutex_);
  remove(id);
  if (scanning_) changed_.insert(id);
}

void Claims::release(RecipientId id) {
  std::lock_guard lock(mutex_);
  release_locked(id);
}

void Claims::rescheduled(std::string_view destination, const DueKey& key) {
  std::lock_guard lock(mutex_);
  remove(key.id);
  if (scanning_) changed_.insert(key.id);
  lower(destination, key);
}

void Claims::begin_scan(base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  while (!leases_.empty() && leases_.begin()->first <= now) release_locked(leases_.begin()->second);
  scanning_ = true;
  changed_.clear();
  lowered_.clear();
}

DueKey Claims::cursor(std::string_view destination) const {
  std::lock_guard lock(mutex_);
  const auto found = destinations_.find(destination);
  return found == destinations_.end() ? kFirst : found->second.cursor;
}

bool Claims::free_locked(RecipientId id) const { return !owned_.contains(id) && !changed_.contains(id); }

bool Claims::take(std::string_view destination, const DueKey& key, base::SteadyTime until) {
  std::lock_guard lock(mutex_);
  if (!free_locked(key.id)) return false;
  add(destination, key, until);
  return true;
}

bool Claims::is_free(RecipientId id) const {
  std::lock_guard lock(mutex_);
  return free_locked(id);
}

void Claims::passed(std::string_view destination, const DueKey& end) {
  std::lock_guard lock(mutex_);
  const auto found = destinations_.find(destination);
  if (found == destinations_.end()) return;
  const auto lowered = lowered_.find(destination);
  found->second.cursor = lowered == lowered_.end() ? end : std::min(end, lowered->second);
}

void Claims::end_scan() {
  std::lock_guard lock(mutex_);
  scanning_ = false;
  changed_.clear();
  lowered_.clear();
}

std::size_t Claims::size() const {
  std::lock_guard lock(mutex_);
  return owned_.size();
}

std::size_t Claims::destinations() const {
  std::lock_guard lock(mutex_);
  return destinations_.size();
}

}  // namespace postrider::store
