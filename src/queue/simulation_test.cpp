#include "queue/testing/simulation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "sys/log.hpp"

namespace postrider::queue::testing {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POSTRIDER_SANITIZED
#endif
#endif
#ifdef POSTRIDER_SANITIZED
constexpr std::uint64_t kSeeds = 4;
constexpr std::uint32_t kMessages = 4'000;
#else
constexpr std::uint64_t kSeeds = 20;
constexpr std::uint32_t kMessages = 100'000;
#endif

std::uint64_t number(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

SimulationOptions options(std::uint64_t seed) {
  return {.seed = seed,
          .messages = static_cast<std::uint32_t>(number("POSTRIDER_SIMULATION_MESSAGES", kMessages))};
}

// A line for each recipient's outcome would be a million lines.
class Simulation : public ::testing::Test {
 protected:
  void SetUp() override { sys::log::configure(sys::log::Format::logfmt, static_cast<sys::log::Level>(4)); }
  void TearDown() override { sys::log::configure(sys::log::Format::logfmt, sys::log::Level::info); }
};

TEST_F(Simulation, LosesNothingStarvesNobodyAndKeepsEveryLimit) {
  const std::uint64_t first = number("POSTRIDER_SIMULATION_FIRST_SEED", 1);
  const std::uint64_t seeds = number("POSTRIDER_SIMULATION_SEEDS", kSeeds);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const SimulationResult result = simulate(options(seed));
    const std::string told = "seed " + std::to_string(seed) + ": " + result.to_string();
    EXPECT_TRUE(result.faults.empty()) << told;
    if (result.faults.empty() && std::getenv("POSTRIDER_SIMULATION_SEEDS")) std::puts(told.c_str());
  }
}

TEST_F(Simulation, TheSameSeedGivesTheSameRun) {
  SimulationOptions small = options(7);
  small.messages /= 4;
  const SimulationResult once = simulate(small), again = simulate(small);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_EQ(once.attempts, again.attempts);
  small.seed = 8;
  EXPECT_NE(once.hash, simulate(small).hash);
}

}  // namespace
}  // namespace postrider::queue::testing
