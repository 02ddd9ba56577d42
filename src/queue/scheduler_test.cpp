// What is begun when: sites, turns, the window. By a clock that the test turns, without threads.
#include "queue/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "queue/testing/yard.hpp"

namespace postrider::queue {
namespace {

using namespace testing;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string domain_of(const Job& job) { return mail::to_ascii(job.destination.host); }

TEST(Scheduler, WhatIsFreshIsTriedAtOnceAndNothingOfItIsLeft) {
  Yard yard;
  const auto id = yard.fresh(yard.envelope({"b@far.test", "c@far.test"}));
  std::vector<std::uint32_t> carried;
  yard.courier.on_deliver = [&](const Job& job) {
    carried = job.recipients;
    EXPECT_EQ(job.site, "far.test");
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.pass(milliseconds(50));
  EXPECT_EQ(carried, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_FALSE(yard.find(id));
  yard.pass(minutes(3));
  EXPECT_EQ(yard.scheduler->load().destinations, 0u);
}

TEST(Scheduler, WhatLiesOnTheDiskIsFoundAtTheStartAndWhenItIsDue) {
  Yard yard;
  auto later = yard.envelope({"b@far.test"});
  later.recipients[0].due += minutes(10);
  yard.on_disk(later);
  yard.on_disk(yard.envelope({"c@near.test"}));
  yard.restart();
  yard.pass(seconds(1));
  EXPECT_EQ(yard.courier.begun, 1u);
  EXPECT_EQ(yard.backlog.recipients(), 1u);
  yard.pass(minutes(10));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, AJobHasAHundredRecipientsAtMost) {
  Yard yard;
  std::vector<std::string> to;
  for (int i = 0; i < 250; ++i) to.push_back("u" + std::to_string(i) + "@far.test");
  yard.fresh(yard.envelope(to));
  std::vector<std::size_t> sizes;
  yard.courier.on_deliver = [&](const Job& job) {
    sizes.push_back(job.recipients.size());
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.pass(seconds(1));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 100, 50}));
}

TEST(Scheduler, AJobHasOneReversePath) {
  Yard yard;
  auto mixed = yard.envelope({"a@far.test", "b@far.test", "c@far.test", "d@far.test"});
  for (const int sent_on : {1, 2})
    mixed.recipients[sent_on].reverse_path = mail::Address::parse("s@us.test").value();
  yard.fresh(mixed);
  std::vector<std::string> said;
  yard.courier.on_deliver = [&](const Job& job) {
    std::string line = job.reverse_path().to_string() + ':';
    for (const auto index : job.recipients) line += ' ' + job.envelope->recipients[index].final.local();
    said.push_back(std::move(line));
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.pass(milliseconds(100));
  EXPECT_EQ(said, (std::vector<std::string>{"a@sender.test: a", "s@us.test: b c", "a@sender.test: d"}));
}

TEST(Scheduler, AJobHasNoMoreRecipientsThanItsCourierCarriesTogether) {
  Yard yard;
  yard.courier.per_job = 1;
  yard.fresh(yard.envelope({"a@far.test", "b@far.test", "c@far.test"}));
  std::vector<std::size_t> sizes;
  yard.courier.on_deliver = [&](const Job& job) {
    sizes.push_back(job.recipients.size());
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  yard.pass(seconds(1));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, ADeadSiteIsGivenUpAndWhatWaitsForItIsNotTriedAndNotWritten) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 500; ++i) ids.push_back(yard.fresh("b@dead.test"));
  yard.pass(seconds(30));
  EXPECT_LE(yard.courier.begun, 5u);
  EXPECT_EQ(yard.scheduler->load().window, 0u);
  EXPECT_EQ(std::ranges::count_if(ids, [&](auto id) { return yard.find(id)->attempts > 0; }),
            static_cast<std::ptrdiff_t>(yard.courier.begun));
  const auto sites = yard.sites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].name, "dead.test");
  EXPECT_TRUE(sites[0].given_up_until);
  EXPECT_EQ(sites[0].last_failure, "451 4.4.1 connection refused");
  EXPECT_EQ(sites[0].destinations, std::vector<std::string>{"dead.test"});
}

TEST(Scheduler, AfterAWhileOneAttemptIsMadeAndWhenItReachesTheSiteAllGo) {
  Yard yard;
  bool alive = false;
  std::size_t most = 0;
  yard.courier.on_deliver = [&](const Job& job) {
    most = std::max(most, yard.courier.running);
    return alive ? TimedCourier::Answer{seconds(1), TimedCourier::all(job, TimedCourier::relayed())}
                 : unreachable(job);
  };
  for (int i = 0; i < 500; ++i) yard.fresh("b@far.test");
  yard.pass(seconds(30));
  const std::size_t begun = yard.courier.begun;
  most = 0;
  yard.pass(minutes(6));  // it is tried after one minute and after two more, give or take a tenth
  EXPECT_EQ(yard.courier.begun, begun + 2);
  EXPECT_EQ(most, 1u);
  alive = true;
  yard.pass(minutes(3));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
  EXPECT_EQ(most, 20u);
}

TEST(Scheduler, ADeadSiteWithMuchMailDelaysNobodyElse) {
  Yard yard;
  yard.courier.on_deliver = [&](const Job& job) {
    if (domain_of(job) != "far.test") return unreachable(job);
    return TimedCourier::Answer{milliseconds(10), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 3000; ++i) yard.on_disk(yard.envelope({"b@dead" + std::to_string(i % 3) + ".test"}));
  yard.restart();
  for (int i = 0; i < 3000; ++i) yard.fresh("b@dead" + std::to_string(i % 3) + ".test");
  const auto id = yard.fresh("b@far.test");
  yard.pass(milliseconds(100));
  EXPECT_FALSE(yard.find(id));
  yard.pass(hours(1));
  const auto later = yard.fresh("b@far.test");
  yard.pass(milliseconds(100));
  EXPECT_FALSE(yard.find(later));
}

TEST(Scheduler, ConcurrencyGrowsWithSuccessUpToTheSitesLimitAndDestinationsShareIt) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1), Site{.name = "shared", .concurrency = 12}};
  };
  std::vector<std::size_t> running;
  std::map<std::string, std::size_t> begun;
  yard.courier.on_deliver = [&](const Job& job) {
    running.push_back(yard.courier.running);
    ++begun[domain_of(job)];
    return TimedCourier::Answer{seconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 300; ++i) yard.fresh("b@" + std::string(i < 200 ? "one.test" : "two.test"));
  yard.pass(milliseconds(500));
  EXPECT_EQ(yard.courier.running, 5u);
  yard.pass(seconds(10));
  EXPECT_EQ(*std::ranges::max_element(running), 12u);
  EXPECT_NEAR(static_cast<double>(begun["one.test"]), static_cast<double>(begun["two.test"]), 4.0);
  yard.pass(minutes(1));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, NoMoreJobsAMinuteThanTheSiteTakes) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1),
                                      Site{.name = "slow", .concurrency = 20, .max_per_minute = 30}};
  };
  for (int i = 0; i < 500; ++i) yard.fresh("b@far.test");
  yard.pass(minutes(1));
  EXPECT_GE(yard.courier.begun, 29u);
  EXPECT_LE(yard.courier.begun, 31u);
  EXPECT_LE(yard.scheduler->load().window, 500u);
  yard.pass(minutes(9));
  EXPECT_GE(yard.courier.begun, 298u);
  EXPECT_LE(yard.courier.begun, 301u);
}

TEST(Scheduler, OneSendersFloodDoesNotHoldUpAnother) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{seconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 5000; ++i) yard.fresh("b@far.test", "flood@sender.test");
  yard.pass(seconds(5));
  const auto first = yard.fresh("b@far.test", "c@sender.test");
  yard.pass(seconds(3));
  EXPECT_FALSE(yard.find(first));
  EXPECT_GT(yard.backlog.recipients(), 4000u);
}

TEST(Scheduler, ANewSenderPassesWhatLiesOnTheDiskBeforeHim) {
  Yard yard;
  yard.configure([](config::Config& config) { config.queue.window = 2000; });
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{seconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 5000; ++i) yard.fresh("b@far.test", "flood@sender.test");
  yard.pass(seconds(5));
  EXPECT_LE(yard.scheduler->load().most_window, 1500u);
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 10; ++i)
    ids.push_back(yard.fresh("b@far.test", "c" + std::to_string(i) + "@sender.test"));
  yard.pass(seconds(4));
  for (const auto id : ids) EXPECT_FALSE(yard.find(id));
  yard.pass(minutes(6));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, BigMessagesDoNotHoldUpSmallOnes) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1), Site{.name = "narrow", .concurrency = 1}};
  };
  std::vector<std::string> order;
  yard.courier.on_deliver = [&](const Job& job) {
    order.push_back(job.envelope->size > 1'000'000 ? "big" : "small");
    return TimedCourier::Answer{seconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 20; ++i) {
    auto big = yard.envelope({"b@far.test"}, "big@sender.test");
    big.size = 1u << 21;
    yard.fresh(std::move(big));
  }
  for (int i = 0; i < 20; ++i) yard.fresh("b@far.test", "small@sender.test");
  yard.pass(seconds(30));
  EXPECT_LE(std::count(order.begin(), order.begin() + 21, "big"), 2);
}

TEST(Scheduler, ABigMessageDoesNotKeepOthersOfItsDestinationBehindAnotherDestination) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1), Site{.name = "narrow", .concurrency = 1}};
  };
  std::vector<std::string> order;
  yard.courier.on_deliver = [&](const Job& job) {
    order.push_back(job.envelope->reverse_path.to_string());
    return TimedCourier::Answer{seconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 200; ++i) yard.fresh("b@flooded.test", "flood@sender.test");
  yard.pass(seconds(5));
  auto big = yard.envelope({"b@far.test"}, "big@sender.test");
  big.size = 20u << 20;
  yard.fresh(std::move(big));
  yard.fresh("b@far.test", "small@sender.test");
  yard.pass(seconds(5));
  EXPECT_EQ(std::ranges::count(order, "small@sender.test"), 1);
  // And the big one costs no more than some dozens of small ones.
  yard.pass(seconds(60));
  EXPECT_EQ(std::ranges::count(order, "big@sender.test"), 1);
}

TEST(Scheduler, ANewSenderPassesWhatWaitsOnTheDiskForASiteThatHasEnough) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1), Site{.name = "narrow", .concurrency = 1}};
  };
  yard.courier.on_deliver = [&](const Job& job) {
    return TimedCourier::Answer{milliseconds(100), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 10000; ++i)
    yard.on_disk(yard.envelope({"b@d" + std::to_string(i % 10) + ".test"}, "flood@sender.test"));
  yard.restart();
  // Each of these destinations comes to where it would claim more, and waits for the site, which has enough of the others.
  yard.pass(seconds(70));
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 10; ++i)
    ids.push_back(yard.fresh("b@d" + std::to_string(i) + ".test", "new@sender.test"));
  yard.pass(seconds(30));
  for (const auto id : ids) EXPECT_FALSE(yard.find(id)) << id.to_string();
}

TEST(Scheduler, TheWindowIsNeverOverfullAndAllComesThrough) {
  Yard yard;
  yard.configure([](config::Config& config) { config.queue.window = 100; });
  for (int i = 0; i < 300; ++i) yard.on_disk(yard.envelope({"b@d" + std::to_string(i % 40) + ".test"}));
  yard.restart();
  for (int i = 0; i < 300; ++i) yard.fresh("b@d" + std::to_string(i % 50) + ".test");
  yard.pass(minutes(1));
  EXPECT_LE(yard.scheduler->load().most_window, 100u);
  EXPECT_EQ(yard.backlog.recipients(), 0u);
  EXPECT_EQ(yard.courier.begun, 600u);
}

TEST(Scheduler, AFloodOfFreshMailDoesNotKeepRetriesOnTheDisk) {
  Yard yard;
  yard.configure([](config::Config& config) { config.queue.window = 400; });
  yard.courier.on_locate = [](const Destination& destination) {
    return TimedCourier::LocatedAfter{milliseconds(1),
                                      Site{.name = mail::to_ascii(destination.host), .concurrency = 5}};
  };
  yard.courier.on_deliver = [](const Job& job) {
    const bool first = domain_of(job) == "far.test" && job.envelope->recipients[0].attempts == 0;
    return TimedCourier::Answer{
        seconds(first ? 1 : 20),
        TimedCourier::all(job, first ? TimedCourier::deferred() : TimedCourier::relayed())};
  };
  const auto id = yard.fresh("b@far.test");
  for (int second = 0; second < 120; ++second, yard.pass(seconds(1)))
    for (int i = 0; i < 40; ++i) yard.fresh("b@d" + std::to_string(i % 20) + ".test");
  EXPECT_FALSE(yard.find(id));
  EXPECT_GT(yard.backlog.recipients(), 3000u);
  EXPECT_LE(yard.scheduler->load().most_window, 400u);
}

TEST(Scheduler, ACourierHasTwoThousandJobsAtATimeAndFifteenHundredForSitesThatWereNeverReached) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{seconds(30), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 2500; ++i) yard.fresh("b@d" + std::to_string(i) + ".test");
  yard.pass(seconds(10));
  EXPECT_EQ(yard.courier.running, 1500u);
  yard.pass(seconds(30));  // those answered have been reached: they get what is left
  for (int i = 0; i < 1200; ++i) yard.fresh("b@d" + std::to_string(i) + ".test");
  for (int i = 0; i < 3000; ++i) yard.fresh("b@e" + std::to_string(i) + ".test");
  yard.pass(seconds(10));
  EXPECT_EQ(yard.courier.running, 2000u);
}

TEST(Scheduler, WhatCannotBeLocatedIsNotAskedForAgainForEachMessage) {
  Yard yard;
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{seconds(1),
                                      std::unexpected(TimedCourier::deferred("no answer from the DNS"))};
  };
  const auto id = yard.fresh("b@far.test");
  for (int i = 0; i < 100; ++i) yard.fresh("b@far.test");
  yard.pass(seconds(5));
  for (int i = 0; i < 100; ++i) yard.fresh("b@far.test");
  yard.pass(seconds(1));
  EXPECT_EQ(yard.courier.located, 1u);
  EXPECT_EQ(yard.courier.begun, 0u);
  EXPECT_EQ(yard.find(id)->attempts, 1u);
  EXPECT_EQ(yard.find(id)->last->reply.text, "no answer from the DNS");
  yard.courier.on_locate = [](const Destination&) {
    return TimedCourier::LocatedAfter{seconds(1), Site{.name = "far", .concurrency = 20}};
  };
  yard.pass(minutes(2));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, ASiteIsAskedForOnceAMinuteAndADestinationThatMovedGoesToItsNewOne) {
  Yard yard;
  std::string site = "old";
  yard.courier.on_locate = [&](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1), Site{.name = site, .concurrency = 20}};
  };
  std::map<std::string, int> sites;
  yard.courier.on_deliver = [&](const Job& job) {
    ++sites[job.site];
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int second = 0; second < 50; ++second, yard.pass(seconds(1))) yard.fresh("b@far.test");
  EXPECT_EQ(yard.courier.located, 1u);
  site = "new";
  for (int second = 0; second < 50; ++second, yard.pass(seconds(1))) yard.fresh("b@far.test");
  EXPECT_EQ(yard.courier.located, 2u);
  EXPECT_GE(sites["new"], 35);
  EXPECT_EQ(sites["old"] + sites["new"], 100);
}

TEST(Scheduler, ADestinationThatMovesAwayFromADeadSiteIsNotHeldUpByIt) {
  Yard yard;
  std::string site = "dead";
  yard.courier.on_locate = [&](const Destination& destination) {
    const bool moves = mail::to_ascii(destination.host) == "moves.test";
    return TimedCourier::LocatedAfter{milliseconds(1),
                                      Site{.name = moves ? site : "dead", .concurrency = 20}};
  };
  yard.courier.on_deliver = [](const Job& job) {
    if (job.site == "dead") return unreachable(job);
    return TimedCourier::Answer{milliseconds(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 50; ++i) yard.fresh("b@d" + std::to_string(i) + ".test");
  yard.pass(minutes(1));
  const auto id = yard.fresh("b@moves.test");
  yard.pass(hours(1));
  EXPECT_TRUE(yard.find(id));
  site = "alive";
  yard.pass(minutes(3));
  EXPECT_FALSE(yard.find(id));
}

TEST(Scheduler, ADestinationThatMovesAwayFromASuspendedSiteIsNotHeldUpByIt) {
  Yard yard;
  std::string site = "old";
  yard.courier.on_locate = [&](const Destination&) {
    return TimedCourier::LocatedAfter{milliseconds(1), Site{.name = site, .concurrency = 20}};
  };
  yard.fresh("a@moves.test");
  yard.pass(seconds(1));
  yard.suspend(store::Suspension::What::site, "old");
  const auto id = yard.fresh("b@moves.test");
  yard.pass(minutes(10));
  EXPECT_TRUE(yard.find(id));
  site = "new";
  yard.pass(minutes(3));
  EXPECT_FALSE(yard.find(id));
}

TEST(Scheduler, ManyNewSendersDoNotWaitBehindAFlood) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{milliseconds(100), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 30'000; ++i) yard.on_disk(yard.envelope({"b@far.test"}, "flood@sender.test"));
  yard.restart();
  yard.pass(seconds(10));
  std::vector<base::MessageId> ids;
  for (int i = 0; i < 500; ++i) ids.push_back(yard.fresh("b@far.test", "s" + std::to_string(i) + "@x.test"));
  yard.pass(seconds(10));
  EXPECT_EQ(std::ranges::count_if(ids, [&](auto id) { return yard.find(id).has_value(); }), 0);
  EXPECT_GT(yard.backlog.recipients(), 20'000u);
}

TEST(Scheduler, ADeadSiteIsForgottenWhenNothingIsLeftForIt) {
  Yard yard;
  yard.courier.on_deliver = unreachable;
  yard.configure([](config::Config& config) { config.queue.expire = hours(1); });
  for (int i = 0; i < 50; ++i) yard.fresh("b@dead.test");
  yard.pass(hours(3));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
  EXPECT_EQ(yard.scheduler->load().destinations, 0u);
  EXPECT_EQ(yard.scheduler->load().sites, 0u);
}

TEST(Scheduler, WhatWaitsIsGivenItsRouteAnewWhenTheConfigurationChanges) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{hours(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 100; ++i) yard.fresh("b@far.test");
  yard.pass(seconds(1));
  EXPECT_EQ(yard.courier.running, 5u);
  TimedCourier other(yard.events);
  yard.router.on_choose = [&, route = std::make_shared<const config::Route>()](const auto&, const auto&) {
    Router::Choice choice;
    choice.courier = &other;
    choice.route = route;
    return choice;
  };
  yard.configure([](config::Config&) {});
  yard.pass(seconds(10));
  EXPECT_EQ(other.begun, 95u);
  EXPECT_EQ(yard.backlog.recipients(), 5u);
}

TEST(Scheduler, ARouteThatHoldsAndOneThatDecidesNeedNoCourier) {
  Yard yard;
  yard.router.on_choose = [](const mail::Envelope&, const mail::Recipient& recipient) {
    Router::Choice choice;
    choice.hold = recipient.final.local() == "hold";
    if (recipient.final.local() == "no") choice.instead = TimedCourier::refused();
    return choice;
  };
  yard.pass(milliseconds(20));
  const auto id = yard.fresh(yard.envelope({"hold@far.test", "no@far.test", "else@far.test"}));
  yard.pass(milliseconds(100));
  EXPECT_EQ(yard.find(id, 0)->state, mail::RecipientState::held);
  EXPECT_EQ(yard.find(id, 1)->state, mail::RecipientState::untold);
  EXPECT_EQ(yard.find(id, 2)->last->reply, mail::reply(451, 3, 5, "no route"));
  EXPECT_EQ(yard.courier.begun, 0u);
}

TEST(Scheduler, StopsAfterTenSecondsAndBeginsNothingMeanwhile) {
  Yard yard;
  yard.courier.on_deliver = [](const Job& job) {
    return TimedCourier::Answer{minutes(1), TimedCourier::all(job, TimedCourier::relayed())};
  };
  for (int i = 0; i < 20; ++i) yard.fresh("b@far.test");
  yard.pass(seconds(1));
  yard.scheduler->stop();
  EXPECT_TRUE(yard.scheduler->step(milliseconds(0)));
  yard.clock.advance(seconds(9));
  EXPECT_TRUE(yard.scheduler->step(milliseconds(0)));
  yard.clock.advance(seconds(1));
  EXPECT_FALSE(yard.scheduler->step(milliseconds(0)));
  EXPECT_EQ(yard.courier.begun, 5u);
}

TEST(Scheduler, StopsAtOnceWhenWhatWasUnderWayIsRecorded) {
  Yard yard;
  yard.fresh("b@far.test");
  yard.pass(milliseconds(5));
  EXPECT_EQ(yard.courier.running, 1u);
  yard.scheduler->stop();
  yard.pass(milliseconds(30));
  EXPECT_FALSE(yard.scheduler->step(milliseconds(0)));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, WhileTheDiskIsFullNothingIsBegunAndWhatWasDecidedIsKept) {
  Yard yard;
  const auto id = yard.fresh("b@far.test");
  yard.pass(milliseconds(5));
  yard.backlog.writes_fail = base::temporary({4, 3, 1}, "full").error();
  yard.pass(milliseconds(50));
  yard.fresh("c@far.test");
  yard.pass(seconds(30));
  EXPECT_EQ(yard.courier.begun, 1u);
  EXPECT_TRUE(yard.find(id));
  yard.backlog.writes_fail.reset();
  yard.pass(seconds(3));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
  EXPECT_EQ(yard.courier.begun, 2u);
}

TEST(Scheduler, WhileTheDiskCannotBeReadItIsAskedEachSecond) {
  Yard yard;
  yard.on_disk(yard.envelope({"b@far.test"}));
  yard.backlog.reads_fail = base::temporary({4, 3, 0}, "unreadable").error();
  yard.restart();
  yard.pass(seconds(5));
  EXPECT_EQ(yard.courier.begun, 0u);
  yard.backlog.reads_fail.reset();
  yard.pass(seconds(3));
  EXPECT_EQ(yard.backlog.recipients(), 0u);
}

TEST(Scheduler, TheSameNumbersGiveTheSameRun) {
  const auto run = [] {
    Yard yard;
    std::vector<std::string> order;
    yard.courier.on_deliver = [&](const Job& job) {
      order.push_back(job.id.to_string() + domain_of(job));
      if (job.id.value % 3 == 0) return unreachable(job);
      return TimedCourier::Answer{milliseconds(job.id.value % 50),
                                  TimedCourier::all(job, TimedCourier::deferred())};
    };
    for (int i = 0; i < 400; ++i)
      yard.fresh("b@d" + std::to_string(i % 23) + ".test", "s" + std::to_string(i % 7) + "@sender.test");
    yard.pass(minutes(30));
    return order;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace postrider::queue
