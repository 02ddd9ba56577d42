#include "queue/bands.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace postrider::queue {
namespace {

struct One : Turn<One> {
  One(char its_name, std::int8_t its_priority) : priority(its_priority), name(its_name) {}
  std::int8_t priority;
  char name;
};

class BandsTest : public ::testing::Test {
 protected:
  void add(char name, std::int8_t priority) { bands_.add(all_.emplace_back(name, priority)); }
  // Who has the next turns; all keep waiting.
  std::string next(int turns) {
    std::string names;
    for (int i = 0; i < turns; ++i) names += bands_.pay(1, [](const One&) { return 1; }).name;
    return names;
  }

  std::deque<One> all_;
  Bands<One> bands_;
};

TEST_F(BandsTest, HaveTheHighestFirstWhateverCameFirst) {
  add('n', 0);
  add('h', 9);
  add('l', -9);
  EXPECT_EQ(next(1), "h");
  bands_.remove(all_[1]);
  EXPECT_EQ(next(1), "n");
  bands_.remove(all_[0]);
  EXPECT_EQ(next(1), "l");
  bands_.remove(all_[2]);
  EXPECT_TRUE(bands_.empty());
}

TEST_F(BandsTest, TakeTurnsWithinOnePriority) {
  add('a', 3);
  add('b', 3);
  const std::string names = next(8);
  EXPECT_EQ(std::ranges::count(names, 'a'), 4);
}

TEST_F(BandsTest, LeaveNobodyOut) {
  add('h', 1);
  add('n', 0);
  add('l', -1);
  const std::string names = next(440);
  EXPECT_EQ(names.substr(0, 11), "hhhhhhhhhhn");
  EXPECT_GT(std::ranges::count(names, 'n'), 35);
  EXPECT_GT(std::ranges::count(names, 'l'), 18);
  EXPECT_GT(std::ranges::count(names, 'h'), 360);
}

TEST_F(BandsTest, OfNineteenPrioritiesTheHighestHasTheMostAndTheLowestSome) {
  for (int priority = -9; priority <= 9; ++priority)
    add(static_cast<char>('a' + priority + 9), static_cast<std::int8_t>(priority));
  const std::string names = next(10'000);
  EXPECT_GT(std::ranges::count(names, 's'), 6'000);
  for (char name = 'a'; name < 's'; ++name) EXPECT_GT(std::ranges::count(names, name), 40) << name;
}

TEST_F(BandsTest, AreWalkedFromTheHighest) {
  add('l', -1);
  add('h', 1);
  add('n', 0);
  std::string names;
  bands_.each([&](const One& one) { names += one.name; });
  EXPECT_EQ(names, "hnl");
  EXPECT_EQ(bands_.front()->name, 'h');
}

}  // namespace
}  // namespace postrider::queue
