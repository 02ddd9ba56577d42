// Who owns which waiting recipient. Only this process works on the spool, so that claims live in memory and a restart
// frees them all.
//
// A scan of the due index goes along rows in the order of DueKey. It starts at a cursor below which every waiting
// row is known to be owned, so that a claim costs what it yields and not what waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/time.hpp"
#include "store/recipient_id.hpp"

namespace postrider::store {

// The order of the due index.
struct DueKey {
  base::UtcTime due{};
  RecipientId id;
  auto operator<=>(const DueKey&) const = default;
};

// Any thread. Bounded by what is claimed at a time: about 200 bytes for each recipient.
class Claims {
 public:
  static constexpr auto kForever = base::SteadyTime::max();

  // Owned before the row can be seen: a message that is about to be committed.
  void own(const DueKey& key, base::SteadyTime until = kForever);
  // The row is gone, or does not wait any more.
  void forget(RecipientId id);
  // Back as it was.
  void release(RecipientId id);
  // The row waits now with another due time (or for the first time).
  void rescheduled(const DueKey& key);

  // One scan at a time. begin_scan() ends the leases that are over and gives the key to start from.
  DueKey begin_scan(base::SteadyTime now);
  // True where the scan may claim the row; it is owned from then on. False: owned by another, or changed since
  // the scan began (what the scan reads may be older than that).
  bool take(const DueKey& key, base::SteadyTime until);
  // True where take() would claim it.
  bool is_free(const DueKey& key) const;
  // `end`: every row that waits below it was taken or seen to be owned.
  void end_scan(const DueKey& end);

  std::size_t size() const;

 private:
  struct Owned {
    base::UtcTime due;
    base::SteadyTime until;
  };
  struct Hash {
    std::size_t operator()(const RecipientId& id) const noexcept {
      return std::hash<base::MessageId>{}(id.message) ^ (id.index * 0x9E3779B97F4A7C15u);
    }
  };

  void add(const DueKey& key, base::SteadyTime until);
  std::optional<DueKey> remove(RecipientId id);
  void lower(const DueKey& key);
  bool free_locked(const DueKey& key) const;

  mutable std::mutex mutex_;
  std::unordered_map<RecipientId, Owned, Hash> owned_;
  std::set<std::pair<base::SteadyTime, RecipientId>> leases_;  // those that end
  DueKey cursor_{base::UtcTime::min(), {}};
  bool scanning_ = false;
  std::unordered_set<RecipientId, Hash> changed_;  // since begin_scan()
  std::optional<DueKey> lowered_;                  // since begin_scan()
};

}  // namespace postrider::store
