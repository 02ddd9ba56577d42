// Questions to a HostFinder whose askers may be gone before the answer comes.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "deliver/hosts.hpp"

namespace postrider::deliver {

// Any thread.
class HostQuestions : public std::enable_shared_from_this<HostQuestions> {
 public:
  using Done = std::move_only_function<void(FoundHosts)>;

  // `done` as HostFinder::find() says, or by close(). It may only hand the answer on: a lock is held.
  void ask(HostFinder& finder, const queue::Destination& destination, Done done);
  // What is open, and what comes later, is answered with 451 4.3.2 at once. No answer is on its way when this returns.
  void close();

 private:
  void answer(std::uint64_t number, FoundHosts found);

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Done> open_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
};

}  // namespace postrider::deliver
