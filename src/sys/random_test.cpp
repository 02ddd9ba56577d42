#include "sys/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "sys/fake/random.hpp"

namespace postrider::sys {
namespace {

// Gives the values it was told, in order.
class Script final : public Random {
 public:
  explicit Script(std::vector<std::uint64_t> values) : values_(std::move(values)) {}
  void fill(std::span<std::uint8_t> out) override {
    std::memcpy(out.data(), &values_.at(next_++), out.size());
  }
  std::size_t used() const { return next_; }

 private:
  std::vector<std::uint64_t> values_;
  std::size_t next_ = 0;
};

TEST(Random, BelowThrowsAwayWhatWouldFavourSomeResults) {
  // 2^64 mod 10 is 6: the values 0 to 5 have no full set of ten behind them.
  Script script({0, 5, 6});
  EXPECT_EQ(script.below(10), 6u);
  EXPECT_EQ(script.used(), 3u);
  Script power({0, 7, 8});
  EXPECT_EQ(power.below(8), 0u);
  EXPECT_EQ(power.below(8), 7u);
  EXPECT_EQ(power.below(8), 0u);
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  fake::Random random;
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, TheFakeRepeatsItself) {
  EXPECT_EQ(fake::Random(7).bytes(13), fake::Random(7).bytes(13));
  EXPECT_NE(fake::Random(7).bytes(13), fake::Random(8).bytes(13));
}

TEST(Random, TheSystemsDoesNot) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(system_random().bits());
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(system_random().bytes(33).size(), 33u);
}

}  // namespace
}  // namespace postrider::sys
