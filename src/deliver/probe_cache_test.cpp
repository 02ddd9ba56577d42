#include "deliver/probe_cache.hpp"

#include <gtest/gtest.h>

namespace postrider::deliver {
namespace {

using namespace std::chrono_literals;

const base::SteadyTime kNow{1000h};

TEST(ProbeCache, KeepsAnAnswerAsLongAsItsKindDeserves) {
  ProbeCache cache;
  cache.put("good", mail::reply(250, 1, 5, "ok"), kNow);
  cache.put("bad", mail::reply(550, 1, 1, "no"), kNow);
  cache.put("later", mail::reply(450, 4, 1, "down"), kNow);
  EXPECT_EQ(cache.find("good", kNow + 1h - 1ms), mail::reply(250, 1, 5, "ok"));
  EXPECT_FALSE(cache.find("good", kNow + 1h));
  EXPECT_EQ(cache.find("bad", kNow + 5min - 1ms), mail::reply(550, 1, 1, "no"));
  EXPECT_FALSE(cache.find("bad", kNow + 5min));
  EXPECT_EQ(cache.find("later", kNow + 10s - 1ms), mail::reply(450, 4, 1, "down"));
  EXPECT_FALSE(cache.find("later", kNow + 10s));
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ProbeCache, TheOldestAnswerMakesRoom) {
  ProbeCache cache(2);
  const auto ok = mail::reply(250, 1, 5, "ok");
  cache.put("one", ok, kNow);
  cache.put("two", ok, kNow);
  cache.put("one", ok, kNow);  // is the youngest now
  cache.put("three", ok, kNow);
  EXPECT_TRUE(cache.find("one", kNow));
  EXPECT_FALSE(cache.find("two", kNow));
  EXPECT_TRUE(cache.find("three", kNow));
  EXPECT_EQ(cache.size(), 2u);
}

TEST(ProbeCache, KeepsNoMoreThanTheBeginningOfAText) {
  ProbeCache cache;
  cache.put("x", mail::reply(550, 1, 1, std::string(511, 'a') + "\xC3\xBC"), kNow);
  EXPECT_EQ(cache.find("x", kNow)->text, std::string(511, 'a'));
}

}  // namespace
}  // namespace postrider::deliver
