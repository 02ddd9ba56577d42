#include "sys/dns_breaker.hpp"

#include <gtest/gtest.h>

namespace postrider::sys {
namespace {

using namespace std::chrono_literals;
using Ruling = DnsBreaker::Ruling;

struct DnsBreakerTest : ::testing::Test {
  DnsBreaker breaker;
  base::SteadyTime now{1h};

  // A question that took so long.
  void answered(std::chrono::milliseconds took) { breaker.ended({true, now, now + took}); }
  void failed(std::chrono::milliseconds took) { breaker.ended({false, now, now + took}); }
  void fail_enough() {
    for (std::size_t i = 0; i < DnsBreaker::kInVain; ++i) failed(14s);
  }
  bool control(bool said, std::chrono::milliseconds took) {
    const auto asked = now;
    now += took;
    return breaker.control_ended({said, asked, now});
  }
  void open() {
    fail_enough();
    ASSERT_EQ(breaker.question(now), Ruling::ask_with_control);
    ASSERT_TRUE(control(false, 2s));
  }
};

TEST_F(DnsBreakerTest, OpensWhereNobodyAnswersNotEvenTheControl) {
  failed(14s);
  failed(14s);
  EXPECT_EQ(breaker.question(now), Ruling::ask);
  failed(14s);
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
  EXPECT_EQ(breaker.question(now), Ruling::ask) << "one control question at a time";
  EXPECT_TRUE(control(false, 2s));
  EXPECT_EQ(breaker.question(now), Ruling::fail);
  EXPECT_EQ(breaker.question(now + DnsBreaker::kRest - 1ms), Ruling::fail);
}

TEST_F(DnsBreakerTest, StaysClosedWhereTheControlIsAnswered) {
  for (int zone = 0; zone < 100; ++zone) {
    fail_enough();
    ASSERT_EQ(breaker.question(now), Ruling::ask_with_control);
    ASSERT_FALSE(control(true, 1ms));
    ASSERT_EQ(breaker.question(now), Ruling::ask);
  }
}

TEST_F(DnsBreakerTest, AnAnswerInBetweenBeginsTheCountAnew) {
  failed(14s);
  failed(14s);
  answered(20ms);
  failed(14s);
  failed(14s);
  EXPECT_EQ(breaker.question(now), Ruling::ask);
  failed(14s);
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
}

TEST_F(DnsBreakerTest, WhatIsKnownAtOnceProvesNoServerToLive) {
  failed(14s);
  failed(14s);
  answered(0ms);
  failed(14s);
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
}

TEST_F(DnsBreakerTest, FailuresThatKeepNobodyWaitingDoNotCount) {
  for (int i = 0; i < 1000; ++i) failed(999ms);
  EXPECT_EQ(breaker.question(now), Ruling::ask);
  fail_enough();
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
  EXPECT_FALSE(control(false, 0ms)) << "too many questions are open";
  EXPECT_EQ(breaker.question(now), Ruling::ask);
}

TEST_F(DnsBreakerTest, AsksAgainAfterARest) {
  open();
  for (int i = 0; i < 3; ++i) {
    now += DnsBreaker::kRest;
    EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
    EXPECT_TRUE(control(false, i * 1s)) << "however soon it fails";
    EXPECT_EQ(breaker.question(now), Ruling::fail);
  }
  now += DnsBreaker::kRest;
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
  EXPECT_FALSE(control(true, 1ms));
  EXPECT_EQ(breaker.question(now), Ruling::ask);
}

TEST_F(DnsBreakerTest, AnyLateAnswerClosesIt) {
  open();
  answered(15s);
  EXPECT_EQ(breaker.question(now), Ruling::ask);
}

TEST_F(DnsBreakerTest, AControlQuestionOfAnEarlierDoubtDecidesNothing) {
  fail_enough();
  const auto asked = now;
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
  answered(20ms);
  fail_enough();
  now += 1s;
  EXPECT_EQ(breaker.question(now), Ruling::ask_with_control);
  EXPECT_FALSE(breaker.control_ended({false, asked, asked + 2s}));
  EXPECT_EQ(breaker.question(now), Ruling::ask);
  EXPECT_TRUE(control(false, 2s));
}

}  // namespace
}  // namespace postrider::sys
