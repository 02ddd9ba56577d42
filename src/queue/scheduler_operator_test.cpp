// What a postmaster does to the queue, and sees of it.
#include <gtest/gtest.h>

#include "queue/testing/yard.hpp"

namespace postrider::queue {
namespace {

using namespace testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using What = store::Suspension::What;

// Five are under attempt for an hour, the rest waits in memory.
TimedCourier::Answer for_an_hour(const Job& job) {
  return {hours(1), TimedCourier::all(job, TimedCourier::deferred())};
}

struct BusyYard : Yard {
  BusyYard() {
    courier.on_deliver = for_an_hour;
    for (int i = 0; i < 8; ++i) ids.push_back(fresh("b@far.test"));
    pass(seconds(1));
    running = ids[0];
    waiting = ids[7];
  }
  std::vector<base::MessageId> ids;
  base::MessageId running, waiting;
};

void expect(const Changed& changed, std::uint64_t count, std::uint64_t unfit, std::uint64_t busy) {
  EXPECT_EQ(changed.changed, count);
  EXPECT_EQ(changed.unfit, unfit);
  EXPECT_EQ(changed.busy, busy);
}

TEST(SchedulerOperator, HoldsAndReleasesWhatWaitsInMemory) {
  BusyYard yard;
  expect(yard.change(yard.waiting, Change::hold), 1, 0, 0);
  EXPECT_EQ(yard.find(yard.waiting)->state, mail::RecipientState::held);
  EXPECT_EQ(yard.find(yard.waiting)->last->reply, mail::reply(451, 7, 0, "held by an operator: because"));
  EXPECT_EQ(yard.find(yard.waiting)->attempts, 0u);
  EXPECT_EQ(yard.explain(yard.waiting).why, "held: 451 4.7.0 held by an operator: because");
  yard.pass(hours(3));
  EXPECT_EQ(yard.find(yard.waiting)->attempts, 0u);
  expect(yard.change(yard.waiting, Change::hold), 0, 1, 0);
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  expect(yard.change(yard.waiting, Change::release), 1, 0, 0);
  yard.pass(milliseconds(100));
  EXPECT_FALSE(yard.find(yard.waiting));
}

TEST(SchedulerOperator, NotesEachChangeWithItsReason) {
  for (const Change change : {Change::retry, Change::hold, Change::bounce, Change::remove}) {
    BusyYard yard;
    expect(yard.change(yard.waiting, change), 1, 0, 0);
    yard.pass(seconds(1));
    const auto noted = std::ranges::find(yard.noted, store::EventKind::changed, &store::Event::kind);
    ASSERT_NE(noted, yard.noted.end());
    EXPECT_EQ(noted->message, yard.waiting);
    ASSERT_EQ(noted->facts.size(), 2u);
    EXPECT_EQ(noted->facts[1].first, "reason");
    EXPECT_EQ(noted->facts[1].second, "because");
  }
}

TEST(SchedulerOperator, RemovesAndBouncesOneRecipientOfAJobThatWaits) {
  BusyYard yard;
  const auto id = yard.fresh(yard.envelope({"b@far.test", "c@far.test", "d@far.test"}));
  yard.pass(milliseconds(10));
  expect(yard.change(id, Change::remove, 0), 1, 0, 0);
  expect(yard.change(id, Change::bounce, 1), 1, 0, 0);
  EXPECT_FALSE(yard.find(id, 0));
  EXPECT_EQ(yard.find(id, 1)->state, mail::RecipientState::untold);
  EXPECT_EQ(yard.find(id, 1)->last->reply, mail::reply(550, 7, 0, "returned by an operator: because"));
  EXPECT_EQ(yard.find(id, 2)->state, mail::RecipientState::waiting);
  yard.pass(seconds(2));
  EXPECT_EQ(yard.teller.told, (std::vector<store::RecipientId>{{id, 1}}));
  std::vector<std::uint32_t> carried;
  yard.courier.on_deliver = [&](const Job& job) {
    if (job.id == id) carried = job.recipients;
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.pass(hours(2));
  EXPECT_EQ(carried, std::vector<std::uint32_t>{2});
}

TEST(SchedulerOperator, ABounceOfANullSendersMailTellsNobody) {
  BusyYard yard;
  const auto id = yard.fresh("b@far.test", "");
  yard.pass(milliseconds(10));
  expect(yard.change(id, Change::bounce), 1, 0, 0);
  EXPECT_FALSE(yard.find(id));
  yard.pass(seconds(5));
  EXPECT_TRUE(yard.teller.told.empty());
}

TEST(SchedulerOperator, AChangeOfWhatIsUnderAttemptComesAfterItUnlessItEnds) {
  BusyYard yard;
  for (const auto index : {0, 1}) {
    auto found = yard.backlog.find(yard.ids[index]);
    Changed changed;
    yard.scheduler->change({*found}, Change::hold, "",
                           [&](base::Result<Changed> result) { changed = *result; });
    yard.pass(milliseconds(5));
    expect(changed, 0, 0, 1);
  }
  EXPECT_EQ(yard.find(yard.ids[0])->state, mail::RecipientState::waiting);
  yard.pass(hours(1));
  EXPECT_EQ(yard.find(yard.ids[0])->state, mail::RecipientState::held);
  EXPECT_EQ(yard.find(yard.ids[0])->attempts, 1u);
  Yard ends;
  ends.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{minutes(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  const auto id = ends.fresh("b@far.test");
  ends.pass(seconds(1));
  expect(ends.change(id, Change::hold), 0, 0, 1);
  ends.pass(minutes(2));
  EXPECT_FALSE(ends.find(id));
}

TEST(SchedulerOperator, ChangesWhatLiesOnTheDisk) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::deferred())};
  };
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(yard.fresh("b@far.test"));
  yard.pass(seconds(10));
  expect(yard.change(ids[0], Change::hold), 1, 0, 0);
  expect(yard.change(ids[1], Change::remove), 1, 0, 0);
  expect(yard.change(ids[2], Change::bounce), 1, 0, 0);
  expect(yard.change(ids[3], Change::release), 0, 1, 0);
  EXPECT_EQ(yard.find(ids[0])->state, mail::RecipientState::held);
  EXPECT_FALSE(yard.find(ids[1]));
  EXPECT_EQ(yard.find(ids[2])->state, mail::RecipientState::untold);
  const std::size_t begun = yard.courier.begun;
  expect(yard.change(ids[4], Change::retry), 1, 0, 0);
  yard.pass(milliseconds(100));
  EXPECT_EQ(yard.courier.begun, begun + 1);
  EXPECT_EQ(yard.find(ids[4])->attempts, 2u);
}

TEST(SchedulerOperator, ARetryAsksASiteThatIsGivenUpAtOnce) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(yard.fresh("b@dead.test"));
  yard.pass(seconds(10));
  const auto waiting = yard.explain(ids[49]);
  EXPECT_EQ(waiting.why, "its site dead.test is given up until then: 451 4.4.1 connection refused");
  EXPECT_TRUE(waiting.until);
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  expect(yard.change(ids[49], Change::retry), 1, 0, 0);
  yard.pass(seconds(1));
  EXPECT_EQ(yard.backlog.recipients(), 5u);  // those that were tried before wait for their own time
}

TEST(SchedulerOperator, NotesEachChangeInTheTimeline) {
  BusyYard yard;
  yard.change(yard.waiting, Change::remove);
  const auto noted = std::ranges::find(yard.noted, store::EventKind::changed, &store::Event::kind);
  ASSERT_NE(noted, yard.noted.end());
  EXPECT_EQ(noted->message, yard.waiting);
  using Facts = std::vector<std::pair<std::string_view, std::string>>;
  EXPECT_EQ(noted->facts, (Facts{{"change", "remove"}, {"reason", "because"}}));
  EXPECT_EQ(yard.noted.back().kind, store::EventKind::ended);
  EXPECT_TRUE(yard.noted.back().last);
}

class Suspended : public ::testing::TestWithParam<std::pair<What, const char*>> {};

TEST_P(Suspended, NothingBeginsUntilItIsResumed) {
  Yard yard;
  const auto id = yard.suspend(GetParam().first, GetParam().second);
  for (int i = 0; i < 20; ++i) yard.fresh("b@far.test");
  yard.on_disk(yard.envelope({"b@far.test"}));
  const auto other = yard.fresh("b@else.test", "other@else.test");
  yard.pass(minutes(1));
  yard.restart();
  yard.pass(minutes(10));
  EXPECT_EQ(yard.courier.begun, GetParam().first == What::all ? 0u : 1u);
  EXPECT_EQ(yard.find(other).has_value(), GetParam().first == What::all);
  EXPECT_LE(yard.scheduler->load().window, 0u);
  yard.resume(id);
  if (GetParam().first == What::sender) yard.pass(hours(1));  // or until an operator has them retried
  yard.pass(seconds(5));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST_P(Suspended, WhatWaitsInMemoryIsGivenBack) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{minutes(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 20; ++i) yard.fresh("b@far.test");
  yard.pass(seconds(1));
  EXPECT_EQ(yard.scheduler->load().window, 20u);
  yard.suspend(GetParam().first, GetParam().second);
  yard.pass(seconds(1));
  EXPECT_EQ(yard.scheduler->load().window, 5u);
  yard.pass(hours(5));
  EXPECT_EQ(yard.courier.begun, 5u);
  EXPECT_EQ(yard.backlog.recipients(), 15u);
}

TEST_P(Suspended, ItEndsByItselfWhenItsTimeIsOver) {
  Yard yard;
  yard.suspend(GetParam().first, GetParam().second, yard.clock.utc() + minutes(30));
  const auto id = yard.fresh("b@far.test");
  yard.pass(minutes(29));
  EXPECT_TRUE(yard.find(id));
  EXPECT_NE(yard.explain(id).why.find("suspended: for a test"), std::string::npos) << yard.explain(id).why;
  yard.pass(minutes(2));
  EXPECT_FALSE(yard.find(id));
  const auto left = yard.answer<base::Result<std::vector<store::Suspension>>>(
      [&](auto done) { yard.scheduler->suspensions(std::move(done)); });
  EXPECT_TRUE(left->empty());
}

TEST(SchedulerOperator, ASuspensionWhoseEndTheDiskDoesNotTakeIsRemovedLater) {
  Yard yard;
  yard.suspend(What::site, "far.test", yard.clock.utc() + minutes(1));
  yard.backlog.writes_fail = base::temporary({4, 3, 1}, "full").error();
  yard.pass(minutes(2));
  yard.backlog.writes_fail.reset();
  yard.pass(seconds(3));
  const auto left = yard.answer<base::Result<std::vector<store::Suspension>>>(
      [&](auto done) { yard.scheduler->suspensions(std::move(done)); });
  EXPECT_TRUE(left->empty());
}

INSTANTIATE_TEST_SUITE_P(SchedulerOperator, Suspended,
                         ::testing::Values(std::pair(What::all, ""), std::pair(What::destination, "far.test"),
                                           std::pair(What::site, "far.test"),
                                           std::pair(What::sender, "a@sender.test")));

TEST(SchedulerOperator, ExplainsWhatWaitsInMemoryAndWhatIsUnderAttempt) {
  BusyYard yard;
  EXPECT_EQ(yard.explain(yard.running).why.substr(0, 33), "under attempt at far.test since 2");
  EXPECT_EQ(
      yard.explain(yard.waiting).why,
      "in memory, waits for its turn at far.test: 5 of 5 attempts under way, 3 recipients wait there, 2 "
      "messages of its sender before it");
}

TEST(SchedulerOperator, ExplainsWhatWaitsForItsTime) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::deferred())};
  };
  const auto id = yard.fresh("b@far.test");
  yard.pass(seconds(1));
  const auto waiting = yard.explain(id);
  EXPECT_EQ(waiting.why, "waits for its next attempt: 451 4.4.1 not now");
  EXPECT_EQ(waiting.until, yard.find(id)->due);
}

TEST(SchedulerOperator, ShowsSitesByNameWithTheirDestinations) {
  Yard yard;
  yard.courier.on_deliver = for_an_hour;
  yard.courier.on_locate = [](const Destination& destination) {
    const std::string name = mail::to_ascii(destination.host);
    return TimedCourier::LocatedAfter{
        milliseconds(1),
        Site{.name = name == "z.test" ? "aaa" : "shared", .concurrency = 7, .max_per_minute = 6000}};
  };
  for (const char* to : {"b@z.test", "b@y.test", "b@x.test"}) yard.fresh(to);
  yard.pass(seconds(1));
  const auto sites = yard.sites();
  ASSERT_EQ(sites.size(), 2u);
  EXPECT_EQ(sites[0].name, "aaa");
  EXPECT_EQ(sites[1].name, "shared");
  EXPECT_EQ(sites[1].destinations, (std::vector<std::string>{"x.test", "y.test"}));
  EXPECT_EQ(sites[1].running, 2u);
  EXPECT_EQ(sites[1].concurrency, 5u);
  EXPECT_EQ(sites[1].max_concurrency, 7u);
  EXPECT_EQ(sites[1].max_per_minute, 6000u);
  EXPECT_FALSE(sites[1].given_up_until);
  const auto names = yard.answer<std::vector<std::string>>(
      [&](auto done) { yard.scheduler->destinations_of("shared", std::move(done)); });
  EXPECT_EQ(names, (std::vector<std::string>{"x.test", "y.test"}));
}

}  // namespace
}  // namespace postrider::queue
