// Small messages that were committed a moment ago: their first delivery takes them from memory, not from the disk.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/id.hpp"
#include "mail/edit.hpp"

namespace postrider::store {

struct FreshMessage {
  std::string body;  // as received
  mail::Edits edits;
};

// Any thread. What is not here lies on the disk, as this does.
class Fresh {
 public:
  static constexpr std::size_t kLargest = 64 * 1024;  // octets of a body
  static constexpr std::size_t kBytes = 2u << 20;     // of all bodies; above it the oldest go

  // Nothing happens where it is too large.
  void put(base::MessageId id, std::string body, mail::Edits edits);
  // Null: it is not here.
  std::shared_ptr<const FreshMessage> find(base::MessageId id) const;
  void forget(base::MessageId id);

 private:
  using Kept = std::list<std::pair<base::MessageId, std::shared_ptr<const FreshMessage>>>;
  void remove(Kept::iterator place);

  mutable std::mutex mutex_;
  Kept kept_;  // the oldest first
  std::unordered_map<base::MessageId, Kept::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace postrider::store
