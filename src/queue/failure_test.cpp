#include "queue/failure.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const base::UtcTime kReceived{seconds(1'800'000'000)};

struct Case {
  mail::Envelope envelope;
  mail::Recipient recipient{.original = *mail::Address::parse("bob@example.com"),
                            .alias = {},
                            .final = *mail::Address::parse("bob@example.com"),
                            .orcpt = {},
                            .notify = {},
                            .last = {}};
  config::Queue settings;
  base::UtcTime now = kReceived;
  bool clock_jumped = false;

  Case() {
    envelope.reverse_path = mail::ReversePath(*mail::Address::parse("alice@example.org"));
    envelope.received = kReceived;
  }
  Decision decide(mail::Action action, mail::Reply reply = mail::reply(451, 2, 1, "later")) const {
    const Attempt attempt{envelope, recipient, now, clock_jumped, 0.5};
    return queue::decide(attempt,
                         {.action = action, .reply = std::move(reply), .relay = "r", .detail = {}, .at = now},
                         settings);
  }
};

TEST(Failure, DeliveredRelayedExpandedAndDiscardedAreEnds) {
  const Case c;
  for (const auto action :
       {mail::Action::delivered, mail::Action::relayed, mail::Action::expanded, mail::Action::discarded}) {
    const Decision decision = c.decide(action);
    EXPECT_EQ(decision.next, Next::remove);
    EXPECT_EQ(decision.outcome.action, action);
    EXPECT_FALSE(decision.told_nobody);
  }
}

TEST(Failure, DeferredWaitsTheFirstTimeThenTwiceAsLong) {
  Case c;
  EXPECT_EQ(c.decide(mail::Action::deferred).next, Next::retry);
  EXPECT_EQ(c.decide(mail::Action::deferred).due, kReceived + minutes(1));
  c.recipient.attempts = 3;
  EXPECT_EQ(c.decide(mail::Action::deferred).due, kReceived + minutes(8));
}

// RFC 4865
TEST(Failure, WhatWasHeldHasItsTimeFromItsReleaseOn) {
  Case c;
  c.envelope.hold_until = kReceived + days(30);
  EXPECT_EQ(released(c.envelope), kReceived + days(30));
  EXPECT_EQ(late_from(c.envelope, c.settings), kReceived + days(30) + hours(4));
  c.now = kReceived + days(35) - seconds(1);
  EXPECT_EQ(c.decide(mail::Action::deferred).due, kReceived + days(35));
  c.now = kReceived + days(35);
  EXPECT_EQ(c.decide(mail::Action::deferred).outcome.reply.enhanced->to_string(), "4.4.7");
}

TEST(Failure, WhatIsHeldIsLookedAtWithinAnHour) {
  Case c;
  EXPECT_EQ(first_due(c.envelope, kReceived), kReceived);
  c.envelope.hold_until = kReceived + minutes(10);
  EXPECT_EQ(first_due(c.envelope, kReceived), kReceived + minutes(10));
  c.envelope.hold_until = kReceived + days(10);
  EXPECT_EQ(first_due(c.envelope, kReceived), kReceived + hours(1));
  EXPECT_TRUE(is_held_until(c.envelope, kReceived + days(10) - seconds(1)));
  EXPECT_FALSE(is_held_until(c.envelope, kReceived + days(10)));
  EXPECT_TRUE(is_held_until(c.envelope, kReceived - hours(1)));
  EXPECT_FALSE(is_held_until(c.envelope, kReceived - hours(1) - seconds(1))) << "the clock was ahead";
}

// RFC 2852
TEST(Failure, WhatIsToComeBackWhenItIsLateIsTriedUntilThen) {
  Case c;
  c.envelope.deliver_by = kReceived + seconds(90);
  c.now = kReceived + seconds(60);
  EXPECT_EQ(c.decide(mail::Action::deferred).due, kReceived + seconds(90));
  c.now = kReceived + seconds(90);
  const Decision decision = c.decide(mail::Action::deferred);
  EXPECT_EQ(decision.next, Next::untold);
  EXPECT_EQ(decision.outcome.action, mail::Action::failed);
  EXPECT_EQ(decision.outcome.reply,
            mail::reply(554, 4, 7,
                        "not delivered by " + base::to_rfc5322(kReceived + seconds(90)) +
                            ", as its sender wanted; last: 451 4.2.1 later"));
  EXPECT_EQ(c.decide(mail::Action::relayed).outcome.action, mail::Action::relayed)
      << "late, and yet it is there";
  c.clock_jumped = true;
  EXPECT_EQ(c.decide(mail::Action::deferred).next, Next::retry);
}

TEST(Failure, WhatIsToBeToldWhenItIsLateIsTriedAsEver) {
  Case c;
  c.envelope.deliver_by = kReceived + seconds(30);
  c.envelope.deliver_by_notify = true;
  EXPECT_EQ(late_from(c.envelope, c.settings), kReceived + seconds(30));
  EXPECT_EQ(c.decide(mail::Action::deferred).due, kReceived + minutes(1));
  c.now = kReceived + hours(1);
  EXPECT_EQ(c.decide(mail::Action::deferred).next, Next::retry);
}

TEST(Failure, BackOffEndsAtItsMaximumHoweverManyAttempts) {
  const config::Retry retry;
  EXPECT_EQ(back_off(retry, 8, 0.5), minutes(128));
  EXPECT_EQ(back_off(retry, 9, 0.5), hours(4));
  EXPECT_EQ(back_off(retry, 0xFFFFFFFF, 0.5), hours(4));
}

TEST(Failure, BackOffVariesByATenthAndNoMore) {
  const config::Retry retry;
  EXPECT_EQ(back_off(retry, 1, 0.0), seconds(54));
  EXPECT_EQ(back_off(retry, 1, 1.0), seconds(66));
  EXPECT_EQ(back_off(retry, 1, 7.0), seconds(66));
}

TEST(Failure, TheLastAttemptIsMadeWhenTheTimeExpires) {
  Case c;
  c.recipient.attempts = 20;
  c.now = kReceived + days(5) - minutes(3);
  const Decision decision = c.decide(mail::Action::deferred);
  EXPECT_EQ(decision.next, Next::retry);
  EXPECT_EQ(decision.due, kReceived + days(5));
}

TEST(Failure, DeferredAfterTheTimeFailsWith447AndTheLastWords) {
  Case c;
  c.now = kReceived + days(5);
  const Decision decision = c.decide(mail::Action::deferred, mail::reply(452, 2, 2, "mailbox full"));
  EXPECT_EQ(decision.next, Next::untold);
  EXPECT_EQ(decision.outcome.action, mail::Action::failed);
  EXPECT_EQ(decision.outcome.reply,
            mail::reply(451, 4, 7, "delivery time expired; last: 452 4.2.2 mailbox full"));
}

TEST(Failure, AnExpiredMailsEndIsOursAndNamesWhoSaidTheLastWords) {
  Case c;
  c.now = kReceived + days(5);
  mail::Outcome last{.reply = mail::reply(452, 2, 2, "mailbox full"),
                     .relay = "mx.test[192.0.2.1]:25",
                     .detail = {},
                     .at = c.now,
                     .said_by_relay = true};
  const Decision decision =
      queue::decide({.envelope = c.envelope, .recipient = c.recipient, .now = c.now}, std::move(last), {});
  EXPECT_FALSE(decision.outcome.said_by_relay);
  EXPECT_EQ(decision.outcome.reply.text,
            "delivery time expired; last: 452 4.2.2 mailbox full (said by mx.test[192.0.2.1]:25)");
}

TEST(Failure, AnAttemptDuringWhichTheClockJumpedExpiresNothing) {
  Case c;
  c.now = kReceived + days(50);
  c.clock_jumped = true;
  const Decision decision = c.decide(mail::Action::deferred);
  EXPECT_EQ(decision.next, Next::retry);
  EXPECT_EQ(decision.due, c.now + minutes(1));
}

TEST(Failure, FailedIsKeptUntilTheSenderHasBeenTold) {
  const Case c;
  const Decision decision = c.decide(mail::Action::failed, mail::reply(550, 1, 1, "no such user here"));
  EXPECT_EQ(decision.next, Next::untold);
  EXPECT_FALSE(decision.told_nobody);
}

TEST(Failure, OfANullSenderNobodyIsTold) {
  Case c;
  c.envelope.reverse_path = mail::ReversePath();
  const Decision decision = c.decide(mail::Action::failed);
  EXPECT_EQ(decision.next, Next::remove);
  EXPECT_TRUE(decision.told_nobody);
}

TEST(Failure, NotifyDecidesWhetherSomebodyIsTold) {
  Case c;
  c.recipient.notify = {.specified = true, .success = false, .failure = false, .delay = false};
  EXPECT_TRUE(c.decide(mail::Action::failed).told_nobody);  // NEVER
  c.recipient.notify = {.specified = true, .success = true, .failure = false, .delay = true};
  EXPECT_TRUE(c.decide(mail::Action::failed).told_nobody);
  c.recipient.notify = {.specified = true, .success = false, .failure = true, .delay = false};
  EXPECT_EQ(c.decide(mail::Action::failed).next, Next::untold);
}

TEST(Failure, AnExpiredMailOfNobodyIsRemoved) {
  Case c;
  c.envelope.reverse_path = mail::ReversePath();
  c.now = kReceived + days(6);
  const Decision decision = c.decide(mail::Action::deferred);
  EXPECT_EQ(decision.next, Next::remove);
  EXPECT_TRUE(decision.told_nobody);
}

}  // namespace
}  // namespace postrider::queue
