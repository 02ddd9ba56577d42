#include "store/ids.hpp"

namespace postrider::store {
namespace {

using base::MessageId;
constexpr std::int64_t kSequenceMask = (std::int64_t{1} << MessageId::kSequenceBits) - 1;

// The next of this node. Behind the last sequence number comes the next millisecond, never another node.
MessageId following(MessageId id, std::uint8_t node) {
  const MessageId start = MessageId::first(id.time(), node);
  if (id < start) return start;
  const MessageId end{start.value | kSequenceMask};
  if (id < end) return {id.value + 1};
  return MessageId::first(id.time() + base::Milliseconds(1), node);
}

}  // namespace

MessageId Ids::next() {
  const MessageId now = MessageId::first(clock_.utc(), node_);
  std::lock_guard lock(mutex_);
  last_ = now > last_ ? now : following(last_, node_);
  return last_;
}

}  // namespace postrider::store
