#include "queue/turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace postrider::queue {
namespace {

struct Wish : Turn<Wish> {
  explicit Wish(char its_name, std::int64_t its_price = 1) : name(its_name), price(its_price) {}
  char name;
  std::int64_t price;
};

std::string take(Turns<Wish>& turns, int count, std::int64_t quantum) {
  std::string order;
  for (int i = 0; i < count; ++i) order += turns.pay(quantum, [](const Wish& one) { return one.price; }).name;
  return order;
}

TEST(Turns, GoRound) {
  Turns<Wish> turns;
  Wish a('a'), b('b'), c('c');
  EXPECT_TRUE(turns.empty());
  turns.add(a);
  turns.add(b);
  turns.add(a);  // waits already
  turns.add(c);
  std::string order;
  for (int i = 0; i < 4; ++i) order += turns.rotate().name;
  EXPECT_EQ(order, "abca");
  turns.remove(b);
  turns.remove(b);
  EXPECT_EQ(turns.front(), &c);
  turns.remove(c);
  turns.remove(a);
  EXPECT_TRUE(turns.empty());
}

TEST(Turns, WhoWantsTwiceAsMuchComesHalfAsOften) {
  Turns<Wish> turns;
  Wish big('b', 20), small('s', 10);
  turns.add(big);
  turns.add(small);
  const std::string order = take(turns, 300, 10);
  EXPECT_EQ(std::ranges::count(order, 's'), 200);
}

TEST(Turns, OneThatWantsVeryMuchDoesNotHoldUpTheOthers) {
  Turns<Wish> turns;
  Wish big('b', 1000), small('s', 1), other('o', 1);
  turns.add(big);
  turns.add(small);
  turns.add(other);
  EXPECT_EQ(take(turns, 6, 1), "sososo");
}

TEST(Turns, AloneItNeedNotSave) {
  Turns<Wish> turns;
  Wish big('b', 1'000'000'000);
  turns.add(big);
  EXPECT_EQ(take(turns, 3, 1), "bbb");
}

std::string take_first(Turns<Wish>& turns, int count, std::int64_t quantum) {
  std::string order;
  for (int i = 0; i < count; ++i) {
    Wish& one = turns.next(quantum);
    turns.charge(one, one.price);
    order += one.name;
  }
  return order;
}

TEST(Turns, WhoPaysAfterwardsWaitsUntilItHasPaid) {
  Turns<Wish> turns;
  Wish big('b', 3), small('s', 1), other('o', 1);
  turns.add(big);
  turns.add(small);
  turns.add(other);
  EXPECT_EQ(take_first(turns, 9, 1), "bsososobs");
}

TEST(Turns, WhoIsAloneOwesNothingToThoseThatComeLater) {
  Turns<Wish> turns;
  Wish big('b', 1'000'000'000), small('s', 1);
  turns.add(big);
  EXPECT_EQ(take_first(turns, 3, 1), "bbb");
  turns.add(small);
  EXPECT_EQ(take_first(turns, 3, 1), "bss");
}

}  // namespace
}  // namespace postrider::queue
