#include "queue/mailbox.hpp"

#include <utility>

namespace postrider::queue {

void Mailbox::post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
    if (tasks_.size() > 1) return;  // whoever made it non-empty has woken the strand
  }
  arrived_.notify_one();
}

std::deque<Mailbox::Task> Mailbox::take(base::Milliseconds longest) {
  std::unique_lock lock(mutex_);
  // Even a wait for no time gives up the processor for some microseconds.
  if (longest.count() > 0) arrived_.wait_for(lock, longest, [this] { return !tasks_.empty(); });
  return std::exchange(tasks_, {});
}

void Mailbox::close() {
  std::deque<Task> dropped;  // destroyed without the lock: a task may own what posts on its way out
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(tasks_);
}

}  // namespace postrider::queue
