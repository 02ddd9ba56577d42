// Who owns which waiting recipient. Only this process works on the spool, so that claims live in memory and a restart
// frees them all.
//
// A claim goes along the rows of one destination in the order of DueKey. It starts at that destination's cursor, below
// which every waiting row is known to be owned, so that it costs what it yields and not what is owned or waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/time.hpp"
#include "store/recipient_id.hpp"

namespace postrider::store {

// The order of a destination's rows in the index of those that wait.
struct DueKey {
  base::UtcTime due{};
  RecipientId id;
  auto operator<=>(const DueKey&) const = default;
};

// Any thread. Bounded by what is claimed at a time: about 200 bytes for each recipient, and 150 for each destination
// that has one.
class Claims {
 public:
  static constexpr auto kForever = base::SteadyTime::max();

  // Owned before the row can be seen: a message that is about to be committed.
  void own(std::string_view destination, const DueKey& key, base::SteadyTime until = kForever);
  // The row is gone, or does not wait any more.
  void forget(RecipientId id);
  // Back as it was.
  void release(RecipientId id);
  // The row waits now with another due time (or for the first time).
  void rescheduled(std::string_view destination, const DueKey& key);

  // One scan at a time, of as many destinations as it likes. begin_scan() ends the leases that are over; it comes
  // before the first row is read.
  void begin_scan(base::SteadyTime now);
  // No row of the destination below it is free.
  DueKey cursor(std::string_view destination) const;
  // True where the scan may claim the row; it is owned from then on. False: owned by another, or changed since
  // the scan began (what the scan reads may be older than that).
  bool take(std::string_view destination, const DueKey& key, base::SteadyTime until);
  // True where take() would claim it.
  bool is_free(RecipientId id) const;
  // Every row of the destination that waits below `end` was taken or seen not to be free.
  void passed(std::string_view destination, const DueKey& end);
  void end_scan();

  std::size_t size() const;          // recipients that are owned
  std::size_t destinations() const;  // that have one

 private:
  // One with nothing owned has no entry: its first waiting row is free, so that its cursor is of no use.
  struct Destination {
    DueKey cursor = kFirst;
    std::size_t owned = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Destinations = std::unordered_map<std::string, Destination, TextHash, std::equal_to<>>;
  struct Owned {
    Destinations::value_type* destination;
    base::UtcTime due;
    base::SteadyTime until;
  };
  struct Hash {
    std::size_t operator()(const RecipientId& id) const noexcept {
      return std::hash<base::MessageId>{}(id.message) ^ (id.index * 0x9E3779B97F4A7C15u);
    }
  };
  static constexpr DueKey kFirst{base::UtcTime::min(), {}};

  void add(std::string_view destination, const DueKey& key, base::SteadyTime until);
  void remove(RecipientId id);
  void release_locked(RecipientId id);
  void lower(std::string_view destination, const DueKey& key);
  bool free_locked(RecipientId id) const;

  mutable std::mutex mutex_;
  Destinations destinations_;
  std::unordered_map<RecipientId, Owned, Hash> owned_;
  std::set<std::pair<base::SteadyTime, RecipientId>> leases_;  // those that end
  bool scanning_ = false;
  // Since begin_scan(): rows that changed, and the lowest that became free of each destination.
  std::unordered_set<RecipientId, Hash> changed_;
  std::map<std::string, DueKey, std::less<>> lowered_;
};

}  // namespace postrider::store
