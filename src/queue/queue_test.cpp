#include "queue/queue.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "queue/testing/house.hpp"

namespace postrider::queue {
namespace {

using namespace testing;
using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Queue, GivesTheDraftsIdAndDeliversWithTheFinishersEdits) {
  House house;
  const auto id = house.accept({"bob@near.test"});
  Attempted attempt = house.router.near.take();
  EXPECT_EQ(attempt.job.id, id);
  EXPECT_EQ(attempt.recipients(), std::vector<std::string>{"bob@near.test"});
  EXPECT_EQ(attempt.content(), "X-Id: " + id.to_string() + "\r\nA: 1\r\n\r\nbody\r\n");
  EXPECT_EQ(attempt.content(), attempt.content());
  attempt.answer(delivered());
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, TellsInTheTimelineWhatTheFinisherDecided) {
  House house;
  const auto id = house.accept(house.envelope({"bob@near.test"}), "Finish: me\r\n\r\nbody\r\n");
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_NE(house.history(id).find("decision=a test decision=finished with Finish: me\r\n"),
            std::string::npos)
      << house.history(id);
}

TEST(Finisher, KnowsOfAMessageAtHandWhatSignaturesAreMadeOf) {
  const auto facts = facts_of("A: 1\r\nB: 2\r\n\r\nbody \r\n\r\n");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->header, "A: 1\r\nB: 2\r\n");
  EXPECT_EQ(facts->body_hash, wire::dkim::sha256("body\r\n"));
  EXPECT_EQ(facts_of("A: 1\r\n")->body_hash, wire::dkim::sha256(""));
  EXPECT_FALSE(facts_of("A: 1\r\nbody\r\n"));
  EXPECT_FALSE(facts_of("body\r\n"));
}

TEST(Queue, GroupsRecipientsOfOneMessageByCourierAndSite) {
  House house;
  house.accept({"a@one.test", "b@far.test", "c@two.test", "d@one.test"});
  Attempted first = house.router.near.take();
  Attempted second = house.router.near.take();
  Attempted third = house.router.far.take();
  EXPECT_EQ(first.recipients(), (std::vector<std::string>{"a@one.test", "d@one.test"}));
  EXPECT_EQ(second.recipients(), std::vector<std::string>{"c@two.test"});
  EXPECT_EQ(third.recipients(), std::vector<std::string>{"b@far.test"});
  first.done({delivered(), deferred()});
  second.answer(delivered());
  third.answer(failed());
  house.idle();
  EXPECT_EQ(house.kept(), 1u);                  // the one that waits
  EXPECT_EQ(house.router.senders.count(), 1u);  // of the one that failed
}

TEST(Queue, TriesAgainOnlyTheOneThatWasDeferred) {
  House house;
  house.accept({"a@one.test", "b@one.test"});
  house.router.near.take().done({delivered(), deferred()});
  house.idle();
  house.pass(seconds(50));
  EXPECT_EQ(house.router.near.count(), 1u);
  house.clock.advance(seconds(20));
  Attempted again = house.router.near.take();
  EXPECT_EQ(again.recipients(), std::vector<std::string>{"b@one.test"});
  EXPECT_EQ(again.job.envelope->recipients[1].attempts, 1u);
  again.answer(delivered());
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, WaitsLongerAfterEachAttempt) {
  House house;
  house.router.near.always(deferred());
  house.accept({"a@one.test"});
  house.idle();
  std::vector<std::size_t> attempts;
  for (int minute = 0; minute < 20; ++minute) {
    house.pass(minutes(1));
    attempts.push_back(house.router.near.count());
  }
  // 1, 2, 4 and 8 minutes, each give or take a tenth, lie between these.
  EXPECT_EQ(attempts[1], 2u);
  EXPECT_EQ(attempts[4], 3u);
  EXPECT_EQ(attempts[9], 4u);
  EXPECT_EQ(attempts[18], 5u);
}

TEST(Queue, ExpiresAfterOneMoreAttemptAtTheEnd) {
  House house;
  house.router.near.always(deferred());
  house.configure([](config::Config& config) { config.queue.expire = minutes(10); });
  house.accept({"a@one.test"});
  house.idle();
  for (int minute = 0; minute < 9; ++minute) house.pass(minutes(1));
  const auto before = house.router.near.count();
  EXPECT_GE(before, 3u);
  Captured log;
  house.pass(minutes(2));
  EXPECT_EQ(house.router.near.count(), before + 1);
  EXPECT_NE(log.text().find("event=failed"), std::string::npos);
  house.pass(days(1));
  EXPECT_EQ(house.router.near.count(), before + 1);
  EXPECT_EQ(house.router.senders.count(), 1u);
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, ExpiresNothingOnAnAttemptDuringWhichTheClockJumped) {
  House house;
  house.accept({"a@one.test"});
  Attempted attempt = house.router.near.take();
  house.clock.jump(days(400));
  attempt.answer(deferred());
  house.idle();
  house.clock.advance(minutes(2));
  Captured log;
  house.router.near.take().answer(deferred());
  house.idle();
  EXPECT_NE(log.text().find("dsn=4.4.7"), std::string::npos);
}

TEST(Queue, AfterAStartMailThatIsOldIsTriedBeforeItExpires) {
  House house;
  house.accept({"a@one.test"});
  house.router.near.take().answer(deferred());
  house.idle();
  house.queue.reset();
  house.clock.advance(days(30));
  house.start();
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, KeepsNoMoreInMemoryThanTheWindow) {
  House house;
  house.configure([](config::Config& config) { config.queue.window = 10; });
  for (int i = 0; i < 30; ++i) house.accept({"a@one.test"});
  std::deque<Attempted> taken;
  for (int i = 0; i < 10; ++i) taken.push_back(house.router.near.take());
  EXPECT_EQ(house.router.near.count(), 10u);
  // Answered, they make room; what was given back to the disk comes then, and everything once.
  for (int i = 0; i < 30; ++i) {
    if (taken.empty()) taken.push_back(house.router.near.take());
    taken.front().answer(delivered());
    taken.pop_front();
  }
  house.idle();
  EXPECT_EQ(house.router.near.count(), 30u);
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, TakesAMessageWithMoreRecipientsThanTheWindow) {
  House house;
  house.configure([](config::Config& config) { config.queue.window = 2; });
  house.accept({"a@one.test", "b@one.test", "c@one.test"});
  Attempted attempt = house.router.near.take();
  EXPECT_EQ(attempt.recipients().size(), 3u);
  attempt.answer(delivered());
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, RecordsOutcomesThatComeTogetherInOneTransaction) {
  House house;
  for (int i = 0; i < 50; ++i) house.accept({"a@one.test"});
  std::deque<Attempted> taken;
  for (int i = 0; i < 50; ++i) taken.push_back(house.router.near.take());
  house.accept({"a@block.test"});
  house.router.blocked.get_future().wait();
  const auto before = house.spool->statistics().transactions;
  for (auto& attempt : taken) attempt.answer(delivered());
  house.router.gate.set_value();
  house.idle();
  EXPECT_LE(house.spool->statistics().transactions, before + 2);  // the held one, and all the others
  EXPECT_EQ(house.kept(), 1u);
}

TEST(Queue, WhatItsRouteHoldsIsHeldInTheTransactionThatMakesItMail) {
  House house;
  Captured log;
  const auto id = house.accept({"a@hold.test", "b@one.test"});
  EXPECT_EQ((*house.spool->find(id))->envelope->recipients[0].state, mail::RecipientState::held);
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_EQ(house.spool->statistics().transactions, 2u);  // the message, and the other one's outcome
  EXPECT_EQ(house.kept(), 1u);
  const auto recipient = (*house.spool->find(id))->envelope->recipients[0];
  EXPECT_EQ(recipient.state, mail::RecipientState::held);
  EXPECT_EQ(recipient.last->reply, mail::reply(451, 7, 0, "held for an operator"));
  EXPECT_NE(log.text().find("event=held id=" + id.to_string() +
                            " from=alice@example.org to=a@hold.test relay=\"\" delay=0.000 dsn=4.7.0"),
            std::string::npos);
  EXPECT_EQ(house.history(id).substr(house.history(id).find('\n') + 1),
            "deferred to=a@hold.test state=held reply=451 4.7.0 held for an operator\n"
            "ended to=b@one.test state=delivered reply=250 2.0.0 delivered relay=test\n");
}

TEST(Queue, WhatIsNotToGoYetIsHeldByTheRouteOfItsTime) {
  House house;
  auto envelope = house.envelope({"a@hold.test"});
  envelope.hold_until = house.clock.utc() + minutes(5);
  const auto id = house.accept(std::move(envelope));
  EXPECT_EQ((*house.spool->find(id))->envelope->recipients[0].state, mail::RecipientState::waiting);
  house.idle();
  house.pass(minutes(6));
  EXPECT_EQ((*house.spool->find(id))->envelope->recipients[0].state, mail::RecipientState::held);
}

TEST(Queue, WritesOneLineForEachOutcome) {
  House house;
  auto envelope = house.envelope({"bob@near.test", "carol@near.test", "dave@near.test"});
  envelope.recipients[0].original = *mail::Address::parse("info@near.test");
  Captured log;
  const auto id = house.accept(envelope).to_string();
  Attempted attempt = house.router.near.take();
  house.clock.advance(milliseconds(1234));
  attempt.done({delivered(), deferred(), failed()});
  house.idle();
  const std::string text = log.text();
  const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has("event=delivered id=" + id +
                  " from=alice@example.org to=bob@near.test relay=test delay=1.234 dsn=2.0.0 "
                  "reply=\"250 2.0.0 delivered\" orig_to=info@near.test\n"))
      << text;
  EXPECT_TRUE(has("event=deferred id=" + id +
                  " from=alice@example.org to=carol@near.test relay=test delay=1.234 dsn=4.4.1 "
                  "reply=\"451 4.4.1 no answer\" next="))
      << text;
  EXPECT_TRUE(has("event=failed id=" + id +
                  " from=alice@example.org to=dave@near.test relay=test delay=1.234 dsn=5.1.1 "
                  "reply=\"550 5.1.1 no such user\"\n"))
      << text;
}

TEST(Queue, TellsTheTimelineWhereAMessageCameFromAndWhatBecameOfIt) {
  House house;
  auto envelope = house.envelope({"bob@near.test", "carol@near.test"});
  envelope.origin.protocol = "ESMTP";
  envelope.origin.helo = "client.test";
  envelope.recipients[0].original = envelope.recipients[1].original = *mail::Address::parse("info@near.test");
  envelope.recipients[0].alias = envelope.recipients[1].alias = envelope.recipients[0].original;
  for (auto& recipient : envelope.recipients) recipient.reverse_path = *mail::Address::parse("srs@us.test");
  const auto id = house.accept(envelope);
  Attempted attempt = house.router.near.take();
  std::vector<mail::Outcome> outcomes{delivered(), failed()};
  attempt.report({.outcomes = outcomes,
                  .contact = Contact::made,
                  .trials = {{.host = "mx.near.test",
                              .address = "192.0.2.1:25",
                              .tls = {},
                              .took = milliseconds(1234),
                              .result = "done",
                              .transcript = "S: 550"}}});
  house.idle();
  const std::string history = house.history(id);
  EXPECT_EQ(history.substr(0, history.find("notified")),
            "accepted from=alice@example.org helo=client.test protocol=ESMTP size=14 decision=a test\n"
            "expanded alias=info@near.test to=bob@near.test sender=srs@us.test to=carol@near.test\n"
            "attempt site=near.test host=mx.near.test address=192.0.2.1:25 took=1.234 result=done "
            "transcript=S: 550\n"
            "ended to=bob@near.test state=delivered reply=250 2.0.0 delivered relay=test\n"
            "ended to=carol@near.test state=failed reply=550 5.1.1 no such user relay=test\n");
  EXPECT_NE(history.find("notified of=failure to=alice@example.org"), std::string::npos);
}

TEST(Queue, TellsOfARecipientThatWasRefusedAloneWhenTheRestIsSafe) {
  House house;
  auto envelope = house.envelope({"bob@near.test", "carol@near.test", "dave@near.test"});
  for (const int index : {1, 2}) {
    envelope.recipients[index].state = mail::RecipientState::untold;
    envelope.recipients[index].last = failed();
  }
  envelope.recipients[1].notify.specified = true;  // NEVER
  Captured log;
  house.accept(envelope);
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
  EXPECT_EQ(house.router.senders.count(), 1u);
  const std::string text = log.text();
  EXPECT_NE(text.find("to=carol@near.test relay=test delay=0.000 dsn=5.1.1 reply=\"550 5.1.1 no such user\" "
                      "told=nobody\n"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find("to=dave@near.test relay=test delay=0.000 dsn=5.1.1 reply=\"550 5.1.1 no such user\"\n"),
      std::string::npos);
}

TEST(Queue, DefersWhatHasNoRoute) {
  House house;
  Captured log;
  house.accept({"a@nowhere.test"});
  house.idle();
  EXPECT_NE(log.text().find("dsn=4.3.5"), std::string::npos);
  EXPECT_EQ(house.kept(), 1u);
}

TEST(Queue, StoppingWaitsForTheAttemptsUnderWayAndRecordsThem) {
  House house;
  house.accept({"a@one.test"});
  Attempted attempt = house.router.near.take();
  auto stopped = std::async(std::launch::async, [&] { house.queue.reset(); });
  attempt.answer(delivered());
  ASSERT_EQ(stopped.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(house.kept(), 0u);
}

TEST(Queue, StoppingWaitsTenSecondsAndAnAnswerThatComesLaterIsDropped) {
  House house;
  house.accept({"a@one.test"});
  Attempted attempt = house.router.near.take();
  std::atomic<bool> over = false;
  auto stopped = std::async(std::launch::async, [&] {
    house.queue.reset();
    over = true;
  });
  while (!over) {  // turns the clock until the strand, which looks at it each second, has seen ten of them
    house.clock.advance(seconds(10));
    (void)stopped.wait_for(milliseconds(20));
  }
  attempt.answer(delivered());
  EXPECT_EQ(house.kept(), 1u);
}

}  // namespace
}  // namespace postrider::queue
