// The way into a strand: tasks posted from any thread, taken by the one thread that runs them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "base/time.hpp"

namespace postrider::queue {

// Shared by the strand and by every completion that is still under way somewhere, so that one that comes after
// the strand's end finds a closed box instead of a dead object. Its bound is the window: each task answers
// something that the strand has asked for, or is a message that was accepted.
class Mailbox {
 public:
  using Task = std::move_only_function<void()>;

  // Any thread. Dropped, unrun, once the box is closed.
  void post(Task task);
  // All that waits, in the order in which it came; after `longest` perhaps nothing. The strand's thread only.
  std::deque<Task> take(base::Milliseconds longest);
  // Any thread. What waits is dropped.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;
  bool closed_ = false;
};

}  // namespace postrider::queue
