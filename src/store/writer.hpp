// The one thread that writes: it takes all jobs that have gathered into one transaction, syncs once, and then tells
// them all.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "store/job.hpp"
#include "store/maintenance.hpp"
#include "store/tables.hpp"

namespace postrider::store {

struct WriterOptions {
  // What one transaction takes at most. It bounds what a later job waits for, and the memory of the pages.
  std::size_t max_jobs = 1000;
  std::size_t max_bytes = 16u << 20;
  base::Milliseconds maintenance_interval{10'000};
  // So long do jobs that can wait (outcomes: what a crash loses of them is tried again) for one that can't.
  base::Milliseconds gather{10};
  // Messages that are coming in. While there are any, a commit waits a moment for them to share its sync: at most this, and
  // no longer than the last took. On a slow disk they gather during the sync before anyway.
  const std::atomic<std::uint64_t>* drafts = nullptr;
  std::chrono::microseconds linger{250};
  std::function<void(const base::Failure&)> on_broken;
};

// Any thread, but for the constructor and close().
class Writer {
 public:
  // Starts the thread. The connection is the writer's alone from now on.
  Writer(std::unique_ptr<Database> database, WriterOptions options);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { close(); }

  // False, with the job left to the caller, after close().
  bool post(std::unique_ptr<Job>& job);
  // Runs the maintenance as the timer does, and calls `done` when there is nothing more to give back or other
  // work came between.
  void maintain(std::function<void()> done);
  // Writes what was posted, tells all, and ends the thread.
  void close();
  // After close(): closes the connection.
  void disconnect() { connection_.reset(); }

  // Posted and not yet written.
  std::size_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }
  bool broken() const { return broken_.load(std::memory_order_acquire); }
  // Transactions whose commit was synced.
  std::uint64_t transactions() const { return transactions_.load(std::memory_order_relaxed); }

 private:
  using Jobs = std::vector<std::unique_ptr<Job>>;
  using Callbacks = std::vector<std::function<void()>>;

  void run();
  bool is_ready() const;
  // For what will be there in a moment.
  void linger(std::unique_lock<std::mutex>& lock);
  bool more_to_come() const { return options_.drafts != nullptr && *options_.drafts > 0; }
  // Waits for jobs, the timer or the end. False at the end.
  bool wait(Jobs& group, Callbacks& maintained);
  // Bad jobs are found by halving: each half again in a transaction of its own.
  void write(std::span<std::unique_ptr<Job>> jobs);
  std::optional<SqlError> transact(std::span<std::unique_ptr<Job>> jobs);
  void finish(std::unique_ptr<Job>& job, const base::Result<void>& result);
  void maintain_now(bool idle);
  bool jobs_waiting() const;
  // Runs maintenance, which may fail for now.
  template <class Function>
  void attempt(Function function);
  void break_down(const std::string& why);

  struct Connection {
    explicit Connection(std::unique_ptr<Database> opened)
        : database(std::move(opened)), tables(*database), maintenance(tables) {}
    std::unique_ptr<Database> database;
    Tables tables;
    Maintenance maintenance;
  };
  std::unique_ptr<Connection> connection_;
  const WriterOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  std::size_t urgent_ = 0;   // of the queue, those that can't wait
  std::size_t commits_ = 0;  // of these, those that want a sync
  bool lingers_ = false;
  std::chrono::steady_clock::time_point gathered_ = std::chrono::steady_clock::time_point::max();
  Callbacks maintain_requests_;
  bool closing_ = false;
  bool ended_ = false;

  std::atomic<std::size_t> queued_bytes_ = 0;
  std::atomic<std::uint64_t> transactions_ = 0;
  std::atomic<bool> broken_ = false;
  // Of the writer thread.
  Jobs patient_;
  std::chrono::steady_clock::time_point next_tick_;
  std::uint64_t groups_since_tick_ = 0;
  std::chrono::steady_clock::duration last_commit_{};
  std::string broken_by_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace postrider::store
