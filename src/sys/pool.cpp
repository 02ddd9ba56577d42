#include "sys/pool.hpp"

#include <map>
#include <utility>

#include "sys/metrics.hpp"
#include "sys/thread_name.hpp"

namespace postrider::sys {
namespace {

// All that there are, for the metrics.
struct Pools {
  std::mutex mutex;
  std::multimap<std::string, const Pool*> by_name;

  template <class Number>
  std::vector<std::pair<std::string, double>> sum(Number number) {
    std::map<std::string, double> sums;
    std::lock_guard lock(mutex);
    for (const auto& [name, pool] : by_name) sums[name] += static_cast<double>(number(pool->statistics()));
    return {sums.begin(), sums.end()};
  }
};
Pools& pools() {
  static Pools all;
  return all;
}

const Sampled kWaiting(MetricKind::gauge, "postrider_pool_waiting", "Work that waits for a thread.", "pool",
                       [] { return pools().sum([](const PoolStatistics& one) { return one.waiting; }); });
const Sampled kRunning(MetricKind::gauge, "postrider_pool_running", "Work that has a thread.", "pool",
                       [] { return pools().sum([](const PoolStatistics& one) { return one.running; }); });
Counters refused_work("postrider_pool_refused_total", "Work that found a full pool.");

}  // namespace

Pool::Pool(PoolOptions options) : name_(options.name), bound_(options.bound) {
  {
    std::lock_guard lock(pools().mutex);
    pools().by_name.emplace(name_, this);
  }
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this, name = options.name + '-' + std::to_string(i)] {
      name_this_thread(name);
      run();
    });
  }
}

Pool::~Pool() {
  {
    std::lock_guard lock(pools().mutex);
    std::erase_if(pools().by_name, [this](const auto& one) { return one.second == this; });
  }
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
      refused_work.count();
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
