// What senders wish: mail that is held until a time (RFC 4865), that is to be delivered by a time (RFC 2852), that has
// priority (RFC 6710).
#include <gmock/gmock.h>

#include "queue/testing/yard.hpp"

namespace postrider::queue {
namespace {

using namespace testing;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using Ids = std::vector<store::RecipientId>;

TimedCourier::Answer put_off(const Job& job) {
  return {milliseconds(10), TimedCourier::all(job, TimedCourier::deferred())};
}

mail::Envelope by(Yard& yard, base::Milliseconds within, bool notify, const std::string& to = "b@far.test") {
  auto envelope = yard.envelope({to});
  envelope.deliver_by = yard.clock.utc() + within;
  envelope.deliver_by_notify = notify;
  return envelope;
}

const store::Event* end_of(const Yard& yard, base::MessageId id) {
  for (const auto& event : yard.noted)
    if (event.message == id && event.kind == store::EventKind::ended) return &event;
  return nullptr;
}

TEST(SchedulerWishes, WhatIsHeldSaysUntilWhenAndWhy) {
  Yard yard;
  auto envelope = yard.envelope({"b@far.test"});
  const auto until = yard.clock.utc() + days(3);
  envelope.hold_until = until;
  const auto id = yard.fresh(std::move(envelope));
  yard.pass(days(2));
  const auto waiting = yard.explain(id);
  EXPECT_EQ(waiting.why, "its sender asked that it is not sent before then (FUTURERELEASE)");
  EXPECT_EQ(waiting.until, until);
}

TEST(SchedulerWishes, WhatWasHeldIsLateAndExpiresFromItsReleaseOn) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  auto envelope = yard.envelope({"b@far.test"});
  envelope.hold_until = yard.clock.utc() + days(10);
  const auto id = yard.fresh(std::move(envelope));
  yard.pass(days(15) - minutes(1));
  EXPECT_TRUE(yard.find(id));
  EXPECT_TRUE(yard.teller.told.empty());
  yard.pass(minutes(2));
  EXPECT_EQ(yard.teller.told, (Ids{{id, 0}}));
}

TEST(SchedulerWishes, WhatIsLateComesBackWhileItIsTriedInVain) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  const auto id = yard.fresh(by(yard, seconds(200), false));
  yard.pass(seconds(199));
  EXPECT_TRUE(yard.find(id));
  yard.pass(seconds(3));
  EXPECT_EQ(yard.teller.told, (Ids{{id, 0}}));
  ASSERT_TRUE(end_of(yard, id));
  EXPECT_THAT(end_of(yard, id)->facts[2].second, HasSubstr("554 5.4.7 not delivered by "));
  EXPECT_THAT(end_of(yard, id)->facts[2].second, HasSubstr("; last: 451 4.4.1 not now"));
}

TEST(SchedulerWishes, WhatIsLateComesBackFromBehindADeadSite) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  for (int i = 0; i < 20; ++i) yard.fresh("x@far.test");
  yard.pass(minutes(30));
  const auto tried = yard.courier.begun;
  const auto id = yard.fresh(by(yard, seconds(90), false));
  yard.pass(seconds(89));
  EXPECT_TRUE(yard.find(id));
  yard.pass(seconds(4));
  EXPECT_FALSE(yard.find(id));
  EXPECT_EQ(yard.teller.told, (Ids{{id, 0}}));
  EXPECT_LE(yard.courier.begun, tried + 1);
  EXPECT_TRUE(yard.becomes_idle(seconds(10)));
}

TEST(SchedulerWishes, WhatIsLateComesBackFromAnOverfullSiteAndFromASuspendedSender) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1),
                                      Site{.name = "slow", .concurrency = 1, .max_per_minute = 1}};
  };
  for (int i = 0; i < 5; ++i) yard.fresh("x@far.test");
  yard.pass(seconds(1));
  const auto in_memory = yard.fresh(by(yard, seconds(70), false));
  yard.suspend(store::Suspension::What::sender, "s@sender.test");
  auto suspended = by(yard, seconds(80), false, "b@other.test");
  suspended.reverse_path = mail::ReversePath(*mail::Address::parse("s@sender.test"));
  const auto on_disk = yard.fresh(std::move(suspended));
  yard.pass(seconds(90));
  EXPECT_EQ(yard.teller.told, (Ids{{in_memory, 0}, {on_disk, 0}}));
}

TEST(SchedulerWishes, WhatWasLateBeforeTheStartIsNotTried) {
  Yard yard;
  yard.scheduler.reset();
  const auto id = yard.on_disk(by(yard, seconds(60), false));
  yard.clock.advance(minutes(5));
  yard.start();
  yard.pass(seconds(5));
  EXPECT_EQ(yard.courier.begun, 0u);
  EXPECT_EQ(yard.teller.told, (Ids{{id, 0}}));
}

TEST(SchedulerWishes, WhatIsLateComesBackFromBehindASiteThatWasGivenUpSinceTheStart) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  for (int i = 0; i < 20; ++i) yard.fresh("x@far.test");
  yard.pass(minutes(30));
  const auto id = yard.fresh(by(yard, hours(1), false));
  yard.pass(seconds(1));
  yard.restart();
  yard.pass(hours(1) - seconds(2));
  EXPECT_TRUE(yard.find(id));
  yard.pass(seconds(5));
  EXPECT_FALSE(yard.find(id));
}

TEST(SchedulerWishes, AFailureOfTheDiskPutsOffWhatComesBackAndLosesNothing) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  const auto id = yard.fresh(by(yard, seconds(90), false));
  yard.pass(seconds(80));
  yard.backlog.reads_fail = base::temporary({4, 3, 0}, "disk").error();
  yard.pass(seconds(30));
  EXPECT_TRUE(yard.find(id));
  yard.backlog.reads_fail.reset();
  yard.pass(seconds(5));
  EXPECT_EQ(yard.teller.told, (Ids{{id, 0}}));
}

TEST(SchedulerWishes, ASenderHearsOnceThatItIsLateAndItIsTriedOn) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  const auto id = yard.fresh(by(yard, seconds(90), true));
  yard.pass(seconds(89));
  EXPECT_TRUE(yard.teller.warned.empty());
  yard.pass(seconds(3));
  EXPECT_EQ(yard.teller.warned, (Ids{{id, 0}}));
  yard.pass(days(1));
  EXPECT_EQ(yard.teller.warned.size(), 1u);
  EXPECT_TRUE(yard.find(id));
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.pass(hours(5));
  EXPECT_FALSE(yard.find(id));
}

TEST(SchedulerWishes, ATellerThatFailsIsAskedAgainOfWhatIsLate) {
  Yard yard;
  yard.courier.on_deliver = put_off;
  yard.teller.fails = base::temporary({4, 3, 1}, "full").error();
  const auto id = yard.fresh(by(yard, seconds(90), true));
  yard.pass(minutes(5));
  EXPECT_TRUE(yard.teller.warned.empty());
  yard.teller.fails.reset();
  yard.pass(seconds(3));
  EXPECT_EQ(yard.teller.warned, (Ids{{id, 0}}));
}

// The order in which a destination's mail is begun, by the first letter of its recipients.
std::string order_of(Yard& yard, const std::vector<std::pair<std::string, int>>& mail) {
  std::string order;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(100), Site{.name = "one", .concurrency = 1}};
  };
  yard.courier.on_deliver = [&](const Job& job) {
    order += job.envelope->recipients[0].final.local()[0];
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (const auto& [to, priority] : mail) {
    auto envelope = yard.envelope({to + "@far.test"});
    envelope.priority = static_cast<std::int8_t>(priority);
    yard.fresh(std::move(envelope));
  }
  yard.pass(seconds(10));
  return order;
}

TEST(SchedulerWishes, OfOneDestinationTheHighestPriorityGoesFirst) {
  Yard yard;
  EXPECT_EQ(order_of(yard, {{"l", -1}, {"n", 0}, {"n", 0}, {"h", 5}, {"t", 9}, {"h", 5}}), "thhnnl");
}

TEST(SchedulerWishes, LowPriorityWaitsButIsNotLeftOut) {
  Yard yard;
  std::vector<std::pair<std::string, int>> mail = {{"n", 0}};
  mail.insert(mail.end(), 50, {"h", 5});
  const auto order = order_of(yard, mail);
  EXPECT_EQ(order.find('n'), 10u);
  EXPECT_EQ(order.size(), 51u);
}

TEST(SchedulerWishes, MailWithPriorityPassesWhatWaitsOnTheDisk) {
  Yard yard;
  yard.configure([](config::Config& config) { config.queue.window = 1000; });
  for (int i = 0; i < 3000; ++i) yard.on_disk(yard.envelope({"n@far.test"}));
  yard.restart();
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1),
                                      Site{.name = "one", .concurrency = 1, .max_per_minute = 60}};
  };
  yard.pass(seconds(5));
  auto urgent = yard.envelope({"h@far.test"});
  urgent.priority = 5;
  const auto id = yard.fresh(std::move(urgent));
  const auto usual = yard.fresh("m@far.test");
  yard.pass(seconds(5));
  EXPECT_FALSE(yard.find(id));
  EXPECT_TRUE(yard.find(usual));
}

TEST(SchedulerWishes, ThePriorityIsToldWhereItWaits) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1),
                                      Site{.name = "one", .concurrency = 1, .max_per_minute = 1}};
  };
  yard.fresh("x@far.test");
  yard.pass(seconds(1));
  auto envelope = yard.envelope({"b@far.test"});
  envelope.priority = -3;
  const auto id = yard.fresh(std::move(envelope));
  yard.pass(seconds(1));
  EXPECT_THAT(yard.explain(id).why, HasSubstr(", its priority is -3"));
}

}  // namespace
}  // namespace postrider::queue
