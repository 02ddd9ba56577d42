#include "queue/site.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const base::SteadyTime kStart{std::chrono::hours(1)};
const config::Retry kRetry;

Health with_max(std::uint32_t max) {
  Health health;
  health.set_max(max);
  return health;
}
bool fail(Health& health, base::SteadyTime now) { return health.failed(health.begin(now), now, kRetry, 0.5); }

TEST(Health, BeginsWithFiveAndAllowsOneMoreForEachThatReachedTheSite) {
  Health health = with_max(7);
  EXPECT_EQ(health.allowed(), 5u);
  EXPECT_TRUE(health.may_begin(kStart, 4));
  EXPECT_FALSE(health.may_begin(kStart, 5));
  for (const std::uint32_t then : {6u, 7u, 7u}) {
    health.made();
    EXPECT_EQ(health.allowed(), then);
  }
}

TEST(Health, ALowerLimitHoldsAtOnceAndALocalSiteGetsAllOfIt) {
  Health health = with_max(20);
  health.set_max(2);
  EXPECT_EQ(health.allowed(), 2u);
  EXPECT_EQ(with_max(1).allowed(), 1u);
  EXPECT_EQ(with_max(2000).allowed(), 2000u);
}

TEST(Health, AFailureHalvesWhatIsAllowedAndTheThirdInARowGivesTheSiteUp) {
  Health health = with_max(20);
  EXPECT_FALSE(fail(health, kStart));
  EXPECT_EQ(health.allowed(), 2u);
  EXPECT_FALSE(fail(health, kStart));
  EXPECT_EQ(health.allowed(), 1u);
  EXPECT_FALSE(health.is_given_up(kStart));
  EXPECT_TRUE(fail(health, kStart));
  EXPECT_TRUE(health.is_given_up(kStart));
  EXPECT_EQ(health.given_up_until(), kStart + minutes(1));
  EXPECT_FALSE(health.may_begin(kStart, 0));
}

TEST(Health, ASuccessBetweenBeginsTheCountAnew) {
  Health health = with_max(20);
  fail(health, kStart);
  fail(health, kStart);
  health.made();
  EXPECT_FALSE(fail(health, kStart));
  EXPECT_FALSE(fail(health, kStart));
  EXPECT_TRUE(fail(health, kStart));
}

TEST(Health, AttemptsThatWereUnderWayWhenItWasGivenUpDoNotCountAgain) {
  Health health = with_max(20);
  const auto late = health.begin(kStart);
  for (int i = 0; i < 3; ++i) fail(health, kStart);
  EXPECT_FALSE(health.failed(late, kStart + seconds(30), kRetry, 0.5));
  EXPECT_EQ(health.given_up_until(), kStart + minutes(1));
}

TEST(Health, ThenOneIsTriedAndEachFailureMakesTheWaitLongerUpToTenMinutes) {
  Health health = with_max(20);
  for (int i = 0; i < 3; ++i) fail(health, kStart);
  base::SteadyTime now = *health.given_up_until();
  for (const auto wait : {minutes(2), minutes(4), minutes(8), minutes(10), minutes(10)}) {
    EXPECT_TRUE(health.may_begin(now, 0));
    const auto probe = health.begin(now);
    EXPECT_FALSE(health.may_begin(now, 1));
    EXPECT_TRUE(health.failed(probe, now, kRetry, 0.5));
    EXPECT_EQ(health.given_up_until(), now + wait);
    now += wait;
  }
}

TEST(Health, AnAttemptThatSaysNothingLeavesThePlaceToAnother) {
  Health health = with_max(20);
  for (int i = 0; i < 3; ++i) fail(health, kStart);
  const auto now = *health.given_up_until();
  health.nothing(health.begin(now));
  EXPECT_TRUE(health.may_begin(now, 0));
}

TEST(Health, OneThatReachesItBringsItBackWithOneAtATime) {
  Health health = with_max(20);
  for (int i = 0; i < 3; ++i) fail(health, kStart);
  EXPECT_FALSE(health.is_proven());
  health.begin(*health.given_up_until());
  health.made();
  EXPECT_TRUE(health.is_proven());
  EXPECT_FALSE(health.given_up_until());
  EXPECT_EQ(health.allowed(), 1u);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(fail(health, kStart));
  fail(health, kStart);
  EXPECT_EQ(health.given_up_until(), kStart + minutes(1));  // as for the first time
}

TEST(Health, AnOperatorMayHaveItTriedAtOnce) {
  Health health = with_max(20);
  for (int i = 0; i < 3; ++i) fail(health, kStart);
  health.try_again(kStart + seconds(1));
  EXPECT_FALSE(health.is_given_up(kStart + seconds(1)));
  EXPECT_TRUE(health.may_begin(kStart + seconds(1), 0));
}

std::size_t begun_in(Rate& rate, base::SteadyTime from, base::Milliseconds time) {
  std::size_t begun = 0;
  for (auto now = from; now < from + time; now += milliseconds(1)) {
    for (; rate.next(now) <= now; ++begun) rate.take(now);
  }
  return begun;
}

TEST(Rate, WithoutABoundAnythingGoes) {
  Rate rate;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(rate.next(kStart), kStart);
    rate.take(kStart);
  }
}

TEST(Rate, OneAtATimeWhereASecondAllowsLess) {
  Rate rate;
  rate.set(6);
  rate.take(kStart);
  EXPECT_EQ(rate.next(kStart), kStart + seconds(10));
  EXPECT_EQ(begun_in(rate, kStart + seconds(10), minutes(10)), 60u);
}

TEST(Rate, WhatASecondAllowsMayComeAtOnce) {
  Rate rate;
  rate.set(600);
  EXPECT_EQ(begun_in(rate, kStart, milliseconds(1)), 10u);
  EXPECT_EQ(begun_in(rate, kStart + milliseconds(1), minutes(1)), 600u);
}

TEST(Rate, RestIsNotSavedUp) {
  Rate rate;
  rate.set(60);
  rate.take(kStart);
  EXPECT_EQ(begun_in(rate, kStart + minutes(10), milliseconds(1)), 1u);
}

}  // namespace
}  // namespace postrider::queue
