#include "receive/wishes.hpp"

#include <gmock/gmock.h>

namespace postrider::receive {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr base::UtcTime kNow{seconds(1'795'312'167)};  // 2026-11-22T01:49:27Z

Wishes granted(const wire::smtp::Mail& command, bool trusted = true) {
  const auto wishes = judge_wishes(command, {}, kNow, trusted);
  EXPECT_TRUE(wishes);
  return wishes.value_or(Wishes{});
}

mail::Reply refused(const wire::smtp::Mail& command) {
  const auto wishes = judge_wishes(command, {}, kNow, true);
  return wishes ? mail::Reply{} : wishes.error();
}

wire::smtp::Mail holding(wire::smtp::Hold hold) {
  wire::smtp::Mail command;
  command.hold = hold;
  return command;
}

wire::smtp::Mail by(std::int64_t within, bool notify) {
  wire::smtp::Mail command;
  command.by = wire::smtp::DeliverBy{seconds(within), notify, false};
  return command;
}

wire::smtp::Mail urgent(std::int8_t priority) {
  wire::smtp::Mail command;
  command.priority = priority;
  return command;
}

TEST(Wishes, HoldForAWhileOrUntilATime) {
  EXPECT_EQ(granted(holding(seconds(3600))).hold_until, kNow + hours(1));
  EXPECT_EQ(granted(holding(days(30))).hold_until, kNow + days(30));
  EXPECT_EQ(granted(holding(kNow + seconds(5))).hold_until, kNow + seconds(5));
  EXPECT_FALSE(granted({}).hold_until);
}

TEST(Wishes, AreRefusedWhereTheyHoldForTooLongOrUntilAPastTime) {
  const auto too_long =
      mail::reply(501, 5, 4, "mail is held here for at most 2592000 seconds, until 2026-12-22T01:49:27Z");
  EXPECT_EQ(refused(holding(seconds(2592001))), too_long);
  EXPECT_EQ(refused(holding(kNow + days(30) + seconds(1))), too_long);
  EXPECT_EQ(refused(holding(kNow - seconds(1))), mail::reply(501, 5, 4, "HOLDUNTIL is past"));
}

TEST(Wishes, AreRefusedWhereTheyContradictEachOther) {
  const auto contradiction = mail::reply(501, 5, 4, "BY is over before it may be sent (HOLDFOR, HOLDUNTIL)");
  for (const bool notify : {false, true}) {
    auto command = by(120, notify);
    command.hold = seconds(120);
    EXPECT_EQ(refused(command), contradiction);
    command.hold = seconds(119);
    EXPECT_EQ(granted(command).hold_until, kNow + seconds(119));
  }
}

TEST(Wishes, ToComeBackNeedTheLeastTime) {
  EXPECT_EQ(refused(by(59, false)), mail::reply(555, 5, 4, "BY with R can't be less than 60 seconds here"));
  EXPECT_EQ(granted(by(60, false)).deliver_by, kNow + seconds(60));
  EXPECT_EQ(granted(by(1, true)).deliver_by, kNow + seconds(1));
}

TEST(Wishes, StandInTheEnvelope) {
  mail::Envelope envelope;
  const auto address = mail::Address::parse("a@b.test").value();
  envelope.recipients.push_back(
      {.original = address, .alias = {}, .final = address, .orcpt = {}, .notify = {}, .last = {}});
  auto command = by(-5, true);
  command.by->trace = true;
  command.priority = -2;
  apply(granted(command), envelope);
  EXPECT_EQ(envelope.deliver_by, kNow - seconds(5));
  EXPECT_TRUE(envelope.deliver_by_notify);
  EXPECT_TRUE(envelope.deliver_by_trace);
  EXPECT_EQ(envelope.priority, -2);
  EXPECT_TRUE(envelope.recipients[0].warned) << "who sent it late has told of that";
  apply(granted(holding(seconds(1))), envelope);
  EXPECT_EQ(envelope.hold_until, kNow + seconds(1));
  EXPECT_FALSE(envelope.deliver_by);
}

TEST(Wishes, OfAHighPriorityAreOnlyForThoseWhoMayRelay) {
  EXPECT_EQ(granted(urgent(9)).priority, 9);
  const auto stranger = granted(urgent(9), false);
  EXPECT_EQ(stranger.priority, 0);
  EXPECT_TRUE(stranger.lowered());
  EXPECT_EQ(lowered_text(stranger), "0 is the new priority: more is only for users of this server");
  const auto modest = granted(urgent(-9), false);
  EXPECT_EQ(modest.priority, -9);
  EXPECT_FALSE(modest.lowered());
}

TEST(Wishes, AreToldToTheTimeline) {
  auto command = by(3600, false);
  command.hold = seconds(60);
  command.priority = 2;
  EXPECT_THAT(told(granted(command)),
              ElementsAre("hold: its sender asked that it is not sent before 2026-11-22T01:50:27.000Z",
                          "deadline: its sender asked to have it back when it is not delivered by "
                          "2026-11-22T02:49:27.000Z",
                          "priority: 2"));
  EXPECT_THAT(told(granted(urgent(2), false)),
              ElementsAre("priority: 2 was asked for, and is only for those who may relay"));
  EXPECT_THAT(told({}), ElementsAre());
}

TEST(Wishes, AreAnnouncedWithTheirBounds) {
  config::Extensions extensions;
  EXPECT_EQ(announce({}, extensions, kNow), "");
  EXPECT_EQ(announce({true, true, true}, extensions, kNow + std::chrono::milliseconds(500)),
            "FUTURERELEASE 2592000 2026-12-22T01:49:27Z\nDELIVERBY 60\nMT-PRIORITY\n");
  extensions.priority_policy = config::PriorityPolicy::stanag4406;
  EXPECT_EQ(announce({false, false, true}, extensions, kNow), "MT-PRIORITY STANAG4406\n");
}

}  // namespace
}  // namespace postrider::receive
