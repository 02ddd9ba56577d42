#include "net/inbox.hpp"

#include <boost/asio/post.hpp>

namespace postrider::net {

Inbox::Inbox(boost::asio::execution_context& context)
    : service(context), context_(static_cast<boost::asio::io_context&>(context)) {}

void Inbox::put(Work work) {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(work));
  }
  if (first) boost::asio::post(context_, [this] { work_off(); });
}

void Inbox::work_off() noexcept {
  {
    std::lock_guard lock(mutex_);
    taken_.swap(waiting_);
  }
  for (Work& work : taken_) work();
  taken_.clear();
}

void Inbox::shutdown() {
  std::vector<Work> dropped;  // without the lock: what goes with it may put in something too
  std::lock_guard lock(mutex_);
  dropped.swap(waiting_);
}

}  // namespace postrider::net
