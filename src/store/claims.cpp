#include "store/claims.hpp"

#include <algorithm>

namespace postrider::store {

void Claims::add(const DueKey& key, base::SteadyTime until) {
  remove(key.id);
  owned_.emplace(key.id, Owned{key.due, until});
  if (until != kForever) leases_.emplace(until, key.id);
}

std::optional<DueKey> Claims::remove(RecipientId id) {
  const auto found = owned_.find(id);
  if (found == owned_.end()) return {};
  const DueKey key{found->second.due, id};
  if (found->second.until != kForever) leases_.erase({found->second.until, id});
  owned_.erase(found);
  return key;
}

void Claims::lower(const DueKey& key) {
  cursor_ = std::min(cursor_, key);
  if (scanning_ && (!lowered_ || key < *lowered_)) lowered_ = key;
}

void Claims::own(const DueKey& key, base::SteadyTime until) {
  std::lock_guard lock(mutex_);
  add(key, until);
}

void Claims::forget(RecipientId id) {
  std::lock_guard lock(mutex_);
  remove(id);
  if (scanning_) changed_.insert(id);
}

void Claims::release(RecipientId id) {
  std::lock_guard lock(mutex_);
  if (const auto key = remove(id)) lower(*key);
}

void Claims::rescheduled(const DueKey& key) {
  std::lock_guard lock(mutex_);
  remove(key.id);
  if (scanning_) changed_.insert(key.id);
  lower(key);
}

DueKey Claims::begin_scan(base::SteadyTime now) {
  std::lock_guard lock(mutex_);
  while (!leases_.empty() && leases_.begin()->first <= now) {
    if (const auto key = remove(leases_.begin()->second)) lower(*key);
  }
  scanning_ = true;
  changed_.clear();
  lowered_.reset();
  return cursor_;
}

bool Claims::free_locked(const DueKey& key) const {
  return !owned_.contains(key.id) && !changed_.contains(key.id);
}

bool Claims::take(const DueKey& key, base::SteadyTime until) {
  std::lock_guard lock(mutex_);
  if (!free_locked(key)) return false;
  add(key, until);
  return true;
}

bool Claims::is_free(const DueKey& key) const {
  std::lock_guard lock(mutex_);
  return free_locked(key);
}

void Claims::end_scan(const DueKey& end) {
  std::lock_guard lock(mutex_);
  scanning_ = false;
  changed_.clear();
  cursor_ = lowered_ ? std::min(end, *lowered_) : end;
}

std::size_t Claims::size() const {
  std::lock_guard lock(mutex_);
  return owned_.size();
}

}  // namespace postrider::store
