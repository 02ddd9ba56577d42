#include <gtest/gtest.h>

#include "queue/testing/house.hpp"

namespace postrider::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::deferred;
using testing::delivered;
using testing::House;

class Desk : public ::testing::Test {
 protected:
  // One message that was tried once and put off.
  base::MessageId put_off(const std::vector<std::string>& to = {"bob@near.test"}) {
    house.router.near.always(deferred());
    const auto id = house.accept(to);
    house.idle();
    house.router.near.always({});
    return id;
  }
  std::vector<store::RecipientId> one(base::MessageId id) { return {{id, 0}}; }
  std::string states() {
    std::string all;
    const auto page = desk().list({}, {}, 1000);
    for (const auto& row : page.value().rows)
      all += (all.empty() ? "" : " ") + std::string(row.state == mail::RecipientState::waiting ? "waiting"
                                                    : row.state == mail::RecipientState::held  ? "held"
                                                                                               : "untold");
    return all;
  }
  Operator& desk() { return house.queue->desk(); }
  House house;
};

void expect(const base::Result<Changed>& got, std::uint64_t changed, std::uint64_t unfit,
            std::uint64_t busy) {
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->changed, changed);
  EXPECT_EQ(got->unfit, unfit);
  EXPECT_EQ(got->busy, busy);
}

TEST_F(Desk, ShowsAMessageWithItsHeaderItsEditsAndWhyItWaits) {
  const auto id = put_off();
  const auto shown = desk().show(id);
  ASSERT_TRUE(shown) << shown.error().text;
  EXPECT_EQ(shown->id, id);
  EXPECT_EQ(shown->header, "A: 1\r\n");
  EXPECT_EQ(shown->edits, (mail::Edits{mail::PrependField{"X-Id: " + id.to_string() + "\r\n"}}));
  EXPECT_EQ(shown->envelope.recipients[0].attempts, 1u);
  ASSERT_EQ(shown->waiting.size(), 1u);
  EXPECT_EQ(shown->waiting[0].recipient, 0u);
  EXPECT_EQ(shown->waiting[0].until, shown->envelope.recipients[0].due);
  EXPECT_TRUE(shown->waiting[0].why.contains("451 4.4.1 no answer")) << shown->waiting[0].why;
}

TEST_F(Desk, SaysThatThereIsNoSuchMessage) {
  const auto id = put_off();
  const auto shown = desk().show({id.value + 1});
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().code.to_string(), "5.1.0");
}

TEST_F(Desk, ShowsOfAHeaderWhatEndsBeforeTheBodyAndWithin256KiB) {
  house.router.near.always(deferred());
  const auto header_of = [&](const std::string& message) {
    return desk().show(house.accept(house.envelope({"bob@near.test"}), message)).value().header;
  };
  EXPECT_EQ(header_of("A: 1\r\n"), "A: 1\r\n");
  EXPECT_EQ(header_of("\r\nA: 1\r\n\r\n"), "");
  // The empty line is cut by the end of a chunk.
  const std::string to_the_chunk = "A: " + std::string(store::Draft::kChunkBytes - 6, 'x') + "\r\n";
  EXPECT_EQ(header_of(to_the_chunk + "\r\nbody\r\n").size(), to_the_chunk.size());
  EXPECT_EQ(header_of(std::string(300'000, 'x') + "\r\n\r\n").size(), 256u * 1024);
}

TEST_F(Desk, RetryBringsWhatWaitsAtOnce) {
  const auto id = put_off();
  const auto before = house.router.near.count();
  expect(desk().change(one(id), Change::retry, ""), 1, 0, 0);
  auto attempt = house.router.near.take();
  EXPECT_EQ(attempt.job.id, id);
  EXPECT_EQ(house.router.near.count(), before + 1);
  attempt.answer(delivered());
  house.idle();
  EXPECT_EQ(states(), "");
}

TEST_F(Desk, HoldsUntilItIsReleased) {
  const auto id = put_off();
  expect(desk().change(one(id), Change::hold, "look at it"), 1, 0, 0);
  EXPECT_EQ(states(), "held");
  house.pass(hours(5));
  EXPECT_EQ(states(), "held");
  expect(desk().change(one(id), Change::hold, ""), 0, 1, 0);
  expect(desk().change(one(id), Change::retry, ""), 0, 1, 0);
  expect(desk().change(one(id), Change::release, ""), 1, 0, 0);
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_EQ(states(), "");
  expect(desk().change(one(id), Change::release, ""), 0, 1, 0);
}

TEST_F(Desk, TellsOfAHeldEndWhenItIsReleasedOrBouncedAndTriesItNoMore) {
  for (const Change change : {Change::release, Change::bounce}) {
    const auto told = house.router.senders.count();
    auto envelope = house.envelope({"bob@near.test"});
    envelope.recipients[0].state = mail::RecipientState::held;
    envelope.recipients[0].last = testing::failed();
    const auto id = house.accept(std::move(envelope));
    house.pass(minutes(1));
    EXPECT_EQ(states(), "held");
    const auto why = desk().show(id).value().waiting[0].why;
    EXPECT_TRUE(why.starts_with("it has its end; held, so that its sender is not told yet: 550 5.1.1"))
        << why;
    expect(desk().change(one(id), change, ""), 1, 0, 0);
    house.pass(minutes(1));
    EXPECT_EQ(states(), "");
    EXPECT_EQ(house.router.senders.count(), told + 1);
  }
  EXPECT_EQ(house.router.near.count(), 0u);
}

TEST_F(Desk, ACallOverOneUnderAttemptComesAfterIt) {
  const auto id = house.accept({"bob@near.test"});
  auto attempt = house.router.near.take();
  expect(desk().change(one(id), Change::hold, ""), 0, 0, 1);
  attempt.answer(deferred());
  house.idle();
  EXPECT_EQ(states(), "held");
}

TEST_F(Desk, RemovesAndTellsNobody) {
  const auto id = put_off({"bob@near.test", "carol@near.test"});
  expect(desk().change({{id, 1}, {id, 1}, {id, 7}}, Change::remove, "spam"), 1, 1, 0);
  EXPECT_EQ(states(), "waiting");
  expect(desk().change(one(id), Change::remove, "spam"), 1, 0, 0);
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
  EXPECT_EQ(house.router.senders.count(), 0u);
}

TEST_F(Desk, BouncesToTheSender) {
  const auto id = put_off();
  expect(desk().change(one(id), Change::bounce, "no such house"), 1, 0, 0);
  house.pass(minutes(1));
  EXPECT_EQ(house.router.senders.count(), 1u);
  EXPECT_EQ(states(), "");
}

TEST_F(Desk, TakesPagesOfAThousandAtMost) {
  const std::vector<store::RecipientId> many(1001, {{1}, 0});
  EXPECT_EQ(desk().change(many, Change::remove, "").error().text, "a page has 1 to 1,000 recipients");
  EXPECT_EQ(desk().list({}, {}, 0).error().code.to_string(), "5.5.4");
  EXPECT_EQ(desk().list({}, {}, 1001).error().code.to_string(), "5.5.4");
  expect(desk().change({}, Change::remove, ""), 0, 0, 0);
}

TEST_F(Desk, ASuspensionStandsInTheWayUntilItEnds) {
  store::Suspension suspension;
  suspension.what = store::Suspension::What::destination;
  suspension.pattern = "near.test";
  suspension.until = house.clock.utc() + hours(2);
  const auto first = desk().suspend(suspension);
  ASSERT_TRUE(first);
  suspension.until = house.clock.utc() + hours(1);
  suspension.reason = "they asked";
  const auto second = desk().suspend(suspension);
  ASSERT_TRUE(second);
  const auto all = desk().suspensions().value();
  ASSERT_EQ(all.size(), 1u);  // the second stands for the first
  EXPECT_EQ(all[0].id, *second);
  EXPECT_EQ(all[0].made, house.clock.utc());
  EXPECT_EQ(all[0].reason, "they asked");

  const auto id = house.accept({"bob@near.test"});
  house.idle();
  EXPECT_EQ(house.router.near.count(), 0u);
  const auto shown = desk().show(id).value();
  EXPECT_TRUE(shown.waiting[0].why.contains("they asked")) << shown.waiting[0].why;
  EXPECT_EQ(shown.waiting[0].until, suspension.until);

  house.clock.advance(hours(1));
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_TRUE(desk().suspensions().value().empty());
  EXPECT_TRUE(desk().resume(*second));  // gone already
}

TEST_F(Desk, NamesTheSitesThatMailGoesTo) {
  EXPECT_TRUE(desk().sites().value().empty());
  house.accept({"bob@near.test"});
  auto attempt = house.router.near.take();
  const auto sites = desk().sites().value();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].name, "near.test");
  EXPECT_EQ(sites[0].running, 1u);
  EXPECT_EQ(desk().destinations_of("near.test").value().names, std::vector<std::string>{"near.test"});
  EXPECT_TRUE(desk().destinations_of("far.test").value().names.empty());
  attempt.answer(delivered());
}

TEST_F(Desk, FindsTheSiteOfWhatOnlyLiesOnTheDisk) {
  for (const auto* to : {"a@near.test", "b@near.test", "c@other.test"}) {
    auto envelope = house.envelope({to});
    envelope.recipients[0].state = mail::RecipientState::held;
    house.accept(std::move(envelope));
  }
  house.idle();
  EXPECT_TRUE(desk().sites().value().empty());
  const auto found = desk().destinations_of("near.test").value();
  EXPECT_EQ(found.names, std::vector<std::string>{"near.test"});
  EXPECT_EQ(found.not_told, 0u);
}

}  // namespace
}  // namespace postrider::queue
