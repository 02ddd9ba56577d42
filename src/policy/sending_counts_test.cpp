#include "policy/sending_counts.hpp"

#include <gtest/gtest.h>

namespace postrider::policy {
namespace {

using namespace std::chrono_literals;

using Count = SendingCounts::Count;

const base::SteadyTime kStart{1000h};

TEST(SendingCounts, AnAccountMaySendItsMessagesAndNoMoreUntilTheHourIsOver) {
  SendingCounts counts;
  const directory::Limits limits{.messages_per_hour = 3};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(counts.judge("a", limits, 5, kStart + i * 10min, Count::yes));
  const auto refusal = counts.judge("a", limits, 1, kStart + 30min, Count::yes);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->limit, "3 messages within an hour");
  EXPECT_EQ(refusal->again, 35min);  // the first counts for an hour, and what is left of its five minutes
  EXPECT_FALSE(counts.judge("b", limits, 1, kStart + 30min, Count::yes));
  EXPECT_TRUE(counts.judge("a", limits, 1, kStart + 65min - 1ms, Count::yes));
  EXPECT_FALSE(counts.judge("a", limits, 1, kStart + 65min, Count::yes));
  EXPECT_TRUE(counts.judge("a", limits, 1, kStart + 65min, Count::yes));
}

TEST(SendingCounts, WhatIsOnlyAskedForDoesNotCount) {
  SendingCounts counts;
  const directory::Limits limits{.recipients_per_hour = 10};
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(counts.judge("a", limits, 10, kStart, Count::no));
  EXPECT_TRUE(counts.judge("a", limits, 11, kStart, Count::no));
  EXPECT_FALSE(counts.judge("a", limits, 10, kStart, Count::yes));
}

TEST(SendingCounts, TheLongerOfTwoLimitsIsTold) {
  SendingCounts counts;
  const directory::Limits limits{.messages_per_hour = 10, .recipients_per_day = 100};
  EXPECT_FALSE(counts.judge("a", limits, 95, kStart, Count::yes));
  const auto refusal = counts.judge("a", limits, 6, kStart + 90min, Count::yes);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->limit, "100 recipients within a day");
  EXPECT_EQ(refusal->again, 26h - 90min);
  EXPECT_FALSE(counts.judge("a", limits, 5, kStart + 90min, Count::yes));
  EXPECT_FALSE(counts.judge("a", limits, 95, kStart + 26h, Count::yes));
}

TEST(SendingCounts, MoreThanTheLimitAtOnceIsNeverPossible) {
  SendingCounts counts;
  const auto refusal = counts.judge("a", {.recipients_per_hour = 10}, 11, kStart, Count::yes);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->limit, "10 recipients within an hour");
}

TEST(SendingCounts, WhoHasSentNothingForADayIsForgotten) {
  SendingCounts counts;
  const directory::Limits limits{.messages_per_day = 1};
  for (int i = 0; i < 1000; ++i) counts.judge(std::to_string(i), limits, 1, kStart, Count::yes);
  EXPECT_EQ(counts.accounts(), 1000u);
  counts.judge("new", limits, 1, kStart + 27h, Count::yes);
  EXPECT_EQ(counts.accounts(), 1u);
}

}  // namespace
}  // namespace postrider::policy
