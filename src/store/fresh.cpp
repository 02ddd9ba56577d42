#include "store/fresh.hpp"

#include <utility>

namespace postrider::store {

void Fresh::put(base::MessageId id, std::string body, mail::Edits edits) {
  if (body.size() > kLargest) return;
  auto message = std::make_shared<const FreshMessage>(std::move(body), std::move(edits));
  std::lock_guard lock(mutex_);
  bytes_ += message->body.size();
  places_.emplace(id, kept_.insert(kept_.end(), {id, std::move(message)}));
  while (bytes_ > kBytes) remove(kept_.begin());
}

std::shared_ptr<const FreshMessage> Fresh::find(base::MessageId id) const {
  std::lock_guard lock(mutex_);
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : found->second->second;
}

void Fresh::forget(base::MessageId id) {
  std::lock_guard lock(mutex_);
  if (const auto found = places_.find(id); found != places_.end()) remove(found->second);
}

void Fresh::remove(Kept::iterator place) {
  bytes_ -= place->second->body.size();
  places_.erase(place->first);
  kept_.erase(place);
}

}  // namespace postrider::store
