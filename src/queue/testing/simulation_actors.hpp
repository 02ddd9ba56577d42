// Those whom the simulated scheduler deals with: the courier to all sites, the router, the teller. They do what the
// world says, take their time over it, and tell the ledger.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "queue/courier.hpp"
#include "queue/router.hpp"
#include "queue/teller.hpp"
#include "queue/testing/memory_backlog.hpp"
#include "queue/testing/simulation_ledger.hpp"
#include "queue/testing/simulation_parts.hpp"
#include "queue/testing/simulation_world.hpp"

namespace postrider::queue::testing {

// Which process this is. What one of them began is nothing to the next; after a crash nobody hears of it.
struct Life {
  std::uint32_t process = 0;
  bool up = false;
  std::uint32_t crashed = 0;  // the last process that did
  bool is_alive(std::uint32_t which) const { return up && process == which; }
};

struct Stage {
  const SimulatedWorld& world;
  EventQueue& events;
  MemoryBacklog& backlog;
  Ledger& ledger;
  const sys::Clock& clock;
  const Life& life;
  Dice& dice;
  const config::Queue settings;
};

class SimulatedCourier final : public Courier {
 public:
  explicit SimulatedCourier(Stage stage) : stage_(stage) {}
  void locate(const Destination& destination, std::move_only_function<void(Located)> done) override;
  void deliver(Job job, std::move_only_function<void(Report)> done) override;

 private:
  Report judge(const Job& job, std::size_t site);
  mail::Outcome judge_one(const Job& job, std::uint32_t index, std::size_t site);
  void answer(const Job& job, Report report, std::uint32_t process,
              std::move_only_function<void(Report)>& done);

  Stage stage_;
  std::unordered_map<std::uint64_t, Moment> greylist_;
};

class SimulatedRouter final : public Router {
 public:
  SimulatedRouter(Stage stage, Courier& courier);
  Choice choose(const mail::Envelope& envelope, const mail::Recipient& recipient) override;
  bool holds = true;  // routes that hold

 private:
  Stage stage_;
  Courier& courier_;
  std::shared_ptr<const config::Route> route_;
};

class SimulatedTeller final : public Teller {
 public:
  explicit SimulatedTeller(Stage stage) : stage_(stage) {}
  void tell(store::Claimed untold, std::function<void(base::Result<void>)> done) override;
  void warn(Delayed delayed, std::function<void(base::Result<bool>)> done) override;
  bool fails = false;

 private:
  bool cannot() const;
  Stage stage_;
};

}  // namespace postrider::queue::testing
