#include "queue/summaries.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace postrider::queue {
namespace {

base::UtcTime at(std::int64_t second) { return base::UtcTime(std::chrono::seconds(second)); }

std::vector<std::string> looks(Summaries& all) {
  std::vector<std::string> names;
  while (all.first() != kNoSlot) {
    names.push_back(all[all.first()].name);
    all.dont_look(all.first());
  }
  return names;
}

TEST(Summaries, AreFoundByNameAndForgottenWhenTheyAreErased) {
  Summaries all;
  EXPECT_EQ(all.find("a.test"), kNoSlot);
  const Slot a = all.intern("a.test");
  const Slot b = all.intern("b.test");
  EXPECT_NE(a, b);
  EXPECT_EQ(all.intern("a.test"), a);
  EXPECT_EQ(all.size(), 2u);
  all[a].waiting = 7;
  all.erase(a);
  EXPECT_EQ(all.find("a.test"), kNoSlot);
  EXPECT_EQ(all.find("b.test"), b);
  EXPECT_EQ(all.size(), 1u);
  EXPECT_EQ(all[all.intern("a.test")].waiting, 0u);
}

TEST(Summaries, AreLookedAtByTimeAndOfTheSameTimeInTurn) {
  Summaries all;
  const Slot a = all.intern("a"), b = all.intern("b"), c = all.intern("c"), d = all.intern("d");
  all.look_at(c, at(5));
  all.look_at(a, at(9));
  all.look_at(b, at(5));
  all.look_at(d, at(1));
  all.look_at(d, at(7));  // moved
  all.look_at(c, at(5));  // again: behind the other of that time
  all.dont_look(a);
  all.dont_look(a);
  EXPECT_EQ(looks(all), (std::vector<std::string>{"b", "c", "d"}));
}

TEST(Summaries, DoAsASortedMapDoesHoweverOftenTheyChange) {
  Summaries all;
  std::map<std::string, std::int64_t> model;  // time of the look; -1: none
  std::minstd_rand random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "d" + std::to_string(random() % 500) + ".test";
    const std::int64_t time = random() % 1'000'000;
    switch (random() % 4) {
      case 0:
        all.intern(name);
        model.try_emplace(name, -1);
        break;
      case 1:
        if (const Slot slot = all.find(name); slot != kNoSlot) {
          all.dont_look(slot);
          all.erase(slot);
          model.erase(name);
        }
        break;
      default:
        all.look_at(all.intern(name), at(time));
        model[name] = time;
    }
    ASSERT_EQ(all.size(), model.size());
  }
  for (const auto& [name, time] : model) ASSERT_EQ(all[all.find(name)].name, name);
  std::vector<std::int64_t> expected, got;
  for (const auto& [name, time] : model)
    if (time >= 0) expected.push_back(time);
  std::ranges::sort(expected);
  for (const std::string& name : looks(all)) got.push_back(model.at(name));
  EXPECT_EQ(got, expected);
}

// A million of them have to fit into 150 MB, with their names and what finds them.
TEST(Summaries, AreSmall) { EXPECT_LE(sizeof(Summary), 104u); }

}  // namespace
}  // namespace postrider::queue
