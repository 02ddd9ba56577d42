// Sees what others change in the directory's database.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/time.hpp"
#include "directory/registry.hpp"

namespace postrider::directory {

// A thread of its own asks for the generation (some 10 µs) and loads what is new. A database that can't be
// read is logged once, and what was known before stays in force.
class Watcher {
 public:
  // So that a change is in force within a second.
  static constexpr base::Milliseconds kInterval{500};
  using Take = std::function<void(std::shared_ptr<const Snapshot>)>;

  // `take` is called on the thread, for each snapshot that is newer than `known`.
  Watcher(std::unique_ptr<Registry> registry, std::uint64_t known, Take take,
          base::Milliseconds interval = kInterval);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  void run();
  void look();

  std::unique_ptr<Registry> registry_;
  std::uint64_t known_;
  const Take take_;
  const base::Milliseconds interval_;
  bool failed_ = false;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::jthread thread_;  // last: it uses all that stands above
};

}  // namespace postrider::directory
