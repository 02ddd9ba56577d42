#include "sys/pool.hpp"

#include <utility>

#include "sys/thread_name.hpp"

namespace postrider::sys {

Pool::Pool(PoolOptions options) : bound_(options.bound) {
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this, name = options.name + '-' + std::to_string(i)] {
      name_this_thread(name);
      run();
    });
  }
}

Pool::~Pool() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

bool Pool::submit(std::move_only_function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || waiting_.size() >= bound_) {
      ++refused_;
      return false;
    }
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

PoolStatistics Pool::statistics() const {
  std::lock_guard lock(mutex_);
  return {.waiting = waiting_.size(), .running = running_, .done = done_, .refused = refused_};
}

void Pool::run() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    {
      auto work = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
      lock.unlock();
      work();
    }  // what the work holds is let go without the lock, and before it counts as done
    lock.lock();
    --running_;
    ++done_;
  }
}

}  // namespace postrider::sys
