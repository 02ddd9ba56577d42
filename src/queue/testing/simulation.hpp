// A week of the queue's life in seconds: the real scheduler, in a world of sites good and bad, with crashes, stops,
// full disks, clocks that jump, and a postmaster who meddles. The same options give the same run.
//
// How many: POSTRIDER_SIMULATION_SEEDS, POSTRIDER_SIMULATION_MESSAGES and POSTRIDER_SIMULATION_FIRST_SEED tell the test
// to do other than it does by itself.
// POSTRIDER_SIMULATION_FOLLOW=ID tells the life of one message.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queue/testing/simulation_ledger.hpp"

namespace postrider::queue::testing {

struct SimulationOptions {
  std::uint64_t seed = 1;
  std::uint32_t messages = 100'000;
  base::Milliseconds length = std::chrono::days(7);
};

struct SimulationResult {
  std::uint64_t hash = 0;           // of every event, in their order
  std::vector<std::string> faults;  // what was wrong; the first twenty
  std::uint64_t fault_count = 0;
  std::uint64_t ends[kEnds] = {};
  std::uint64_t recipients = 0, attempts = 0, repeated = 0, warnings = 0, expired = 0;
  std::uint64_t steps = 0, restarts = 0, changes = 0, suspensions = 0;
  std::size_t most_window = 0, window = 0;
  base::Milliseconds longest_wait{}, longest_unfair{}, took{};  // the last: of simulated time
  std::string to_string() const;
};

SimulationResult simulate(const SimulationOptions& options);

}  // namespace postrider::queue::testing
