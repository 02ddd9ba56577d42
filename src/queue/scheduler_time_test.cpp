// What happens with time: retries, warnings, the end of it, clocks that are set, and senders who are told.
#include <gtest/gtest.h>

#include "queue/testing/yard.hpp"

namespace postrider::queue {
namespace {

using namespace testing;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TimedCourier::Answer put_off(const Job& job) {
  return {milliseconds(10), TimedCourier::all(job, TimedCourier::deferred())};
}

TEST(SchedulerTime, ADeferredOneIsTriedAfterOneTwoFourMinutes) {
  Yard yard;
  std::vector<base::UtcTime> times;
  yard.courier.on_deliver = [&](const Job& job) {
    times.push_back(yard.clock.utc());
    return put_off(job);
  };
  yard.fresh("b@far.test");
  yard.pass(minutes(10));
  ASSERT_EQ(times.size(), 4u);
  for (int i = 1; i < 4; ++i) {
    const auto wait = std::chrono::duration<double>(times[i] - times[i - 1]).count();
    EXPECT_NEAR(wait, 60.0 * (1 << (i - 1)), 6.5 * (1 << (i - 1)));
  }
}

TEST(SchedulerTime, TheSenderIsWarnedOnceWhenItTakesLongAndToldWhenItIsOver) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  const auto id = yard.fresh("b@far.test");
  yard.pass(hours(4) - minutes(1));
  EXPECT_TRUE(yard.teller.warned.empty());
  yard.pass(days(5) - hours(4) - minutes(1));
  EXPECT_EQ(yard.teller.warned, (std::vector<store::RecipientId>{{id, 0}}));
  EXPECT_TRUE(yard.teller.told.empty());
  EXPECT_TRUE(yard.find(id)->warned);
  yard.pass(minutes(5));
  EXPECT_EQ(yard.teller.told, (std::vector<store::RecipientId>{{id, 0}}));
  EXPECT_FALSE(yard.find(id));
}

TEST(SchedulerTime, WhereNoSiteCanBeToldEachSenderIsWarnedOfHisOwn) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{seconds(1), std::unexpected(TimedCourier::deferred("no answer"))};
  };
  std::vector<store::RecipientId> ids;
  for (int i = 0; i < 5; ++i) {
    const auto id = yard.fresh(yard.envelope({"b@far.test", "c@far.test"}));
    ids.insert(ids.end(), {{id, 0}, {id, 1}});
  }
  yard.pass(hours(9));
  std::ranges::sort(yard.teller.warned);
  EXPECT_EQ(yard.teller.warned, ids);
}

TEST(SchedulerTime, AWarningHasTheLastOutcomeAndFailsWithoutHarm) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  const auto id = yard.fresh("b@far.test");
  yard.teller.fails = base::temporary({4, 3, 1}, "full").error();
  yard.pass(hours(7));
  EXPECT_FALSE(yard.find(id)->warned);
  yard.teller.fails.reset();
  yard.pass(hours(8));
  EXPECT_TRUE(yard.find(id)->warned);
  EXPECT_EQ(yard.teller.warned.size(), 1u);
  EXPECT_EQ(yard.find(id)->last->reply.text, "not now");
}

TEST(SchedulerTime, BehindADeadSiteASenderIsWarnedAndToldAlthoughHisMailWasNeverTried) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(yard.fresh("b@dead.test"));
  yard.pass(hours(4) + minutes(15));
  EXPECT_EQ(yard.teller.warned.size(), 300u);
  std::size_t untried = 0;
  for (const auto id : ids) untried += yard.find(id)->attempts == 0;
  EXPECT_GT(untried, 200u);
  yard.pass(days(5) - hours(5));
  EXPECT_EQ(yard.teller.warned.size(), 300u);
  EXPECT_TRUE(yard.teller.told.empty());
  yard.pass(hours(2));
  EXPECT_EQ(yard.teller.told.size(), 300u);
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, WhatExpiresBehindADeadSiteEndsWithTheSitesWords) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  yard.configure([](config::Config& config) {
    config.queue.expire = hours(1);
    config.queue.warn_after = milliseconds(0);
  });
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(yard.fresh("b@dead.test"));
  yard.pass(minutes(59));
  EXPECT_EQ(yard.backlog.recipients(), 50u);
  yard.teller.fails = base::temporary({4, 3, 1}, "full").error();
  yard.pass(minutes(15));
  for (const auto id : ids) {
    EXPECT_EQ(yard.find(id)->state, mail::RecipientState::untold);
    EXPECT_EQ(yard.find(id)->last->reply,
              mail::reply(451, 4, 7, "delivery time expired; last: 451 4.4.1 connection refused"));
  }
  EXPECT_TRUE(yard.teller.warned.empty());
}

TEST(SchedulerTime, WhatIsSuspendedDoesNotExpireButItsSenderIsWarned) {
  Yard yard;
  const auto suspension = yard.suspend(store::Suspension::What::destination, "far.test");
  const auto id = yard.fresh("b@far.test");
  yard.pass(days(6));
  EXPECT_EQ(yard.courier.begun, 0u);
  EXPECT_EQ(yard.teller.warned, (std::vector<store::RecipientId>{{id, 0}}));
  EXPECT_EQ(yard.find(id)->state, mail::RecipientState::waiting);
  yard.resume(suspension);
  yard.pass(seconds(1));
  EXPECT_FALSE(yard.find(id));
  EXPECT_TRUE(yard.teller.told.empty());
}

TEST(SchedulerTime, EverySenderBehindADeadSiteIsWarnedHoweverManyCameInOneMinute) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  for (int i = 0; i < 2500; ++i) yard.fresh("b@dead.test");
  yard.pass(hours(4) - minutes(1));
  yard.restart();
  yard.pass(minutes(20));
  EXPECT_EQ(yard.teller.warned.size(), 2500u);
}

TEST(SchedulerTime, ManyThatExpireBehindADeadSiteDoSoThoughTheConfigurationChangesMeanwhile) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  yard.configure([](config::Config& config) {
    config.queue.expire = hours(1);
    config.queue.warn_after = milliseconds(0);
  });
  for (int i = 0; i < 2500; ++i) yard.fresh("b@dead.test");
  yard.pass(minutes(59));
  for (int i = 0; i < 120; ++i) {
    yard.configure([](config::Config&) {});
    yard.pass(milliseconds(500));
  }
  yard.pass(minutes(45));
  EXPECT_EQ(yard.teller.told.size(), 2500u);
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, DueTimesOfAClockThatWasAheadAreNotWaitedForThoughOthersAreDueBefore) {
  for (const bool restarts : {false, true}) {
    Yard yard;
    yard.courier.on_deliver = put_off;
    const auto far = yard.fresh("b@far.test");
    yard.pass(hours(30));  // the next attempt is hours away
    yard.clock.jump(days(3));
    yard.pass(hours(8));
    const auto near = yard.fresh("c@far.test");
    yard.pass(seconds(1));
    EXPECT_TRUE(yard.find(far));
    yard.clock.jump(-days(3));
    yard.courier.on_deliver = [](const Job& job) {
      return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
    };
    if (restarts) yard.restart();
    yard.pass(minutes(5));
    EXPECT_FALSE(yard.find(far)) << restarts;
    EXPECT_FALSE(yard.find(near)) << restarts;
  }
}

TEST(SchedulerTime, WhatBearsAnIdOfAClockThatWasAheadIsWarnedOfAndExpires) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  yard.last_id = base::MessageId::first(yard.clock.utc() + days(365), 0);
  for (int i = 0; i < 20; ++i) yard.fresh("b@dead.test");
  yard.pass(hours(4) + minutes(25));
  EXPECT_EQ(yard.teller.warned.size(), 20u);
  yard.pass(days(5));
  EXPECT_EQ(yard.teller.told.size(), 20u);
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, NothingExpiresByAnAnswerOfTheDnsFromBeforeTheClockJumped) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{seconds(30), std::unexpected(TimedCourier::deferred("no answer"))};
  };
  const auto id = yard.fresh("b@far.test");
  yard.pass(seconds(10));
  yard.clock.jump(days(6));
  yard.pass(seconds(25));
  EXPECT_TRUE(yard.find(id));
  EXPECT_TRUE(yard.teller.told.empty());
}

using What = store::Suspension::What;
class GivenUpAndSuspended : public ::testing::TestWithParam<std::pair<What, const char*>> {};

TEST_P(GivenUpAndSuspended, NothingExpiresByAnAttemptBeforeTheSuspensionsEnd) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  yard.configure([](config::Config& config) {
    config.queue.expire = hours(1);
    config.queue.warn_after = milliseconds(0);
  });
  for (int i = 0; i < 50; ++i) yard.fresh("b@dead.test");
  yard.pass(minutes(5));
  const auto suspension = yard.suspend(GetParam().first, GetParam().second);
  const auto later = yard.fresh("b@dead.test");
  yard.pass(hours(8));
  EXPECT_TRUE(yard.teller.told.empty());
  EXPECT_EQ(yard.backlog.recipients(), 51u);
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.resume(suspension);
  yard.pass(hours(2));
  EXPECT_TRUE(yard.teller.told.empty());
  EXPECT_FALSE(yard.find(later));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

INSTANTIATE_TEST_SUITE_P(SchedulerTime, GivenUpAndSuspended,
                         ::testing::Values(std::pair(What::all, ""),
                                           std::pair(What::destination, "dead.test"),
                                           std::pair(What::site, "dead.test"),
                                           std::pair(What::sender, "a@sender.test")));

TEST(SchedulerTime, AfterAStartWhatIsOldIsTriedBeforeItExpires) {
  Yard yard;
  const auto id = yard.on_disk(yard.envelope({"b@far.test"}));
  yard.clock.advance(days(30));
  yard.restart();
  yard.pass(seconds(1));
  EXPECT_FALSE(yard.find(id));
  EXPECT_TRUE(yard.teller.told.empty());
  EXPECT_EQ(yard.courier.begun, 1u);
}

TEST(SchedulerTime, AJumpOfTheClockExpiresNothingBehindASiteThatWasNotTriedSince) {
  Yard yard;
  bool alive = false;
  yard.courier.on_deliver = [&](const Job& job) {
    return alive ? TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())}
                 : unreachable(job);
  };
  for (int i = 0; i < 50; ++i) yard.fresh("b@dead.test");
  yard.pass(hours(1));
  yard.clock.jump(days(30));
  alive = true;
  yard.pass(minutes(30));
  EXPECT_TRUE(yard.teller.told.empty());
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, ADueTimeOfAClockThatWasWrongIsNotWaitedFor) {
  Yard yard;
  bool alive = false;
  yard.courier.on_deliver = [&](const Job& job) {
    return alive ? TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())}
                 : put_off(job);
  };
  yard.clock.jump(days(365));
  const auto id = yard.fresh("b@far.test");
  yard.pass(seconds(1));
  EXPECT_EQ(yard.find(id)->attempts, 1u);
  yard.clock.jump(-days(365));
  alive = true;
  yard.restart();
  yard.pass(seconds(1));
  EXPECT_FALSE(yard.find(id));
}

TEST(SchedulerTime, AClockThatIsSetBackWhileItRunsDoesNotHoldMailForAYear) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  yard.clock.jump(days(365));
  const auto id = yard.fresh("b@far.test");
  yard.pass(seconds(1));
  yard.clock.jump(-days(365));
  yard.pass(seconds(5));
  EXPECT_EQ(yard.find(id)->attempts, 2u);
}

TEST(SchedulerTime, WhatIsToBeHeldUntilATimeIsHeldUntilThen) {
  Yard yard;
  auto envelope = yard.envelope({"b@far.test"});
  envelope.hold_until = yard.clock.utc() + days(3);
  const auto id = yard.fresh(std::move(envelope));
  yard.pass(days(3) - minutes(1));
  EXPECT_EQ(yard.courier.begun, 0u);
  EXPECT_EQ(yard.find(id)->attempts, 0u);
  yard.pass(minutes(2));
  EXPECT_FALSE(yard.find(id));
}

TEST(SchedulerTime, SendersAreToldASecondAfterTheFirstEndTenAtATime) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::refused())};
  };
  for (int i = 0; i < 25; ++i) yard.fresh("b@far.test");
  yard.pass(milliseconds(900));
  EXPECT_TRUE(yard.teller.told.empty());
  EXPECT_EQ(yard.backlog.recipients(), 25u);
  yard.pass(milliseconds(300));
  EXPECT_EQ(yard.teller.told.size(), 25u);
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, ATellerThatFailsIsAskedAgainAfterLongerAndLongerPausesOfAMinuteAtMost) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::refused())};
  };
  yard.teller.fails = base::temporary({4, 3, 1}, "full").error();
  yard.fresh("b@far.test");
  yard.pass(hours(1));
  EXPECT_EQ(yard.backlog.recipients(), 1u);
  yard.teller.fails.reset();
  yard.pass(minutes(1));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, WhatAnEarlierRunLeftUntoldIsToldAtTheStart) {
  Yard yard;
  auto envelope = yard.envelope({"b@far.test"});
  envelope.recipients[0].state = mail::RecipientState::untold;
  envelope.recipients[0].last = TimedCourier::refused();
  const auto id = yard.on_disk(std::move(envelope));
  yard.restart();
  yard.pass(milliseconds(50));
  EXPECT_EQ(yard.teller.told, (std::vector<store::RecipientId>{{id, 0}}));
}

TEST(SchedulerTime, OfASuccessTheSenderIsToldWhereHeWantsToKnow) {
  Yard yard;
  auto envelope = yard.envelope({"b@far.test", "c@far.test"});
  envelope.recipients[1].notify = {.specified = true, .success = true, .failure = false, .delay = false};
  const auto id = yard.fresh(std::move(envelope));
  yard.pass(seconds(2));
  EXPECT_EQ(yard.teller.told, (std::vector<store::RecipientId>{{id, 1}}));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(SchedulerTime, IsIdleWhenNothingIsLeftToDoNow) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    if (mail::to_ascii(job.destination.host) == "dead.test") return unreachable(job);
    return TimedCourier::Answer{milliseconds(100), TimedCourier::all(job, TimedCourier::refused())};
  };
  yard.fresh("b@far.test");
  EXPECT_FALSE(yard.becomes_idle(milliseconds(90)));
  yard.pass(milliseconds(100));
  EXPECT_TRUE(yard.becomes_idle(milliseconds(10)));
  EXPECT_EQ(yard.backlog.recipients(), 0u);  // whoever waits for it does not wait for more to gather
  for (int i = 0; i < 50; ++i) yard.fresh("b@dead.test");
  EXPECT_TRUE(yard.becomes_idle(seconds(10)));  // given up for a while
  EXPECT_EQ(yard.backlog.recipients(), 50u);
}

}  // namespace
}  // namespace postrider::queue
