// What next hops said about recipients, for as long as it may be believed.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.hpp"
#include "mail/reply.hpp"

namespace postrider::deliver {

// Not locked: its owner does that.
class ProbeCache {
 public:
  static constexpr base::Milliseconds kPositive{std::chrono::hours(1)};
  static constexpr base::Milliseconds kNegative{std::chrono::minutes(5)};
  // Short, but long enough that a dead next hop isn't asked again for each recipient of a burst.
  static constexpr base::Milliseconds kTemporary{std::chrono::seconds(10)};
  static constexpr std::size_t kEntries = 100'000;
  static constexpr std::size_t kText = 512;  // octets that are kept of a reply's text

  explicit ProbeCache(std::size_t bound = kEntries) : bound_(bound) {}

  std::optional<mail::Reply> find(const std::string& recipient, base::SteadyTime now);
  // 2yz is kept for kPositive, 5yz for kNegative, all else for kTemporary. The oldest entry makes room.
  void put(const std::string& recipient, mail::Reply reply, base::SteadyTime now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string recipient;
    mail::Reply reply;
    base::SteadyTime until;
  };
  void erase(const std::string& recipient);

  const std::size_t bound_;
  std::list<Entry> entries_;  // oldest first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

// At most kText octets of the text, never half a UTF-8 character.
void shorten(mail::Reply& reply);

}  // namespace postrider::deliver
