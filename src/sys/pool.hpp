// A bounded pool of threads for calls that block: SQLite, the file system, hashing. I/O threads hand work
// over here and never wait themselves.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postrider::sys {

struct PoolOptions {
  std::string name;         // of the threads: "files" gives "files-0", "files-1"; 15 octets are shown at most
  std::size_t threads = 1;  // at least 1
  std::size_t bound = 1000;  // of work that waits; what runs doesn't count
};

struct PoolStatistics {
  std::size_t waiting = 0;
  std::size_t running = 0;
  std::uint64_t done = 0;     // since the start
  std::uint64_t refused = 0;  // since the start: the queue was full
};

// Work begins in the order in which it was submitted; with one thread it is also done in that order.
// Any thread may call; the destructor is called once, not by work of this pool.
class Pool {
 public:
  explicit Pool(PoolOptions options);
  // Finishes what waits and what runs, then returns. How long that takes is the work's matter.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Never blocks. False, and the work is destroyed unrun, when the queue is full or the pool is being
  // destroyed: answer 451 then. Work must not throw: an exception out of it ends the process.
  [[nodiscard]] bool submit(std::move_only_function<void()> work);

  PoolStatistics statistics() const;

 private:
  void run() noexcept;

  const std::string name_;
  const std::size_t bound_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> waiting_;
  std::size_t running_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t refused_ = 0;
  bool closed_ = false;
  std::vector<std::jthread> threads_;  // last: they use all that stands above
};

}  // namespace postrider::sys
