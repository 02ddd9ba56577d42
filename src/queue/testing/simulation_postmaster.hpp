// A postmaster who does this and that to the simulated queue, at random, and tells the ledger.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "queue/scheduler.hpp"
#include "queue/testing/simulation_actors.hpp"

namespace postrider::queue::testing {

class SimulatedPostmaster {
 public:
  // `scheduler` gives the one that runs; null: none does.
  SimulatedPostmaster(Stage stage, std::function<Scheduler*()> scheduler)
      : stage_(stage), scheduler_(std::move(scheduler)) {}

  void knows(base::MessageId id) { known_.push_back(id); }
  // One thing out of many.
  void meddle();
  void suspend_something();
  void release_all_held();
  void resume_all();
  void look_around();

  std::uint64_t changes = 0;      // recipients that were changed
  std::uint64_t suspensions = 0;  // that were made

 private:
  std::vector<store::Claimed> some_open(mail::RecipientState state, std::size_t most);
  void change(std::vector<store::Claimed> messages, Change what, std::function<void()> then = {});
  void change_pages(std::shared_ptr<std::vector<base::MessageId>> ids, Change what,
                    std::function<bool(const store::Claimed&)> meant);
  void resume(std::uint64_t id, store::Suspension suspension);
  store::Suspension some_suspension();

  Stage stage_;
  std::function<Scheduler*()> scheduler_;
  std::vector<base::MessageId> known_;
};

}  // namespace postrider::queue::testing
