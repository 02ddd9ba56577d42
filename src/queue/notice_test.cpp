#include "queue/notice.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

using mail::Action;

mail::Address address(const char* text) { return mail::Address::parse(text).value(); }

mail::Recipient recipient(mail::Notify notify) {
  return {.original = address("bob@example.net"),
          .alias = {},
          .final = address("bob@example.net"),
          .orcpt = {},
          .notify = notify,
          .last = {}};
}

mail::Outcome outcome(Action action, bool dsn_passed_on = false) {
  return {.action = action, .reply = {}, .relay = {}, .detail = {}, .dsn_passed_on = dsn_passed_on};
}

const mail::Notify kUnspecified{};
const mail::Notify kNever{.specified = true};
const mail::Notify kSuccess{.specified = true, .success = true};
const mail::Notify kFailure{.specified = true, .failure = true};
const mail::Notify kDelay{.specified = true, .delay = true};

mail::Envelope from_alice() {
  mail::Envelope envelope;
  envelope.reverse_path = mail::ReversePath(address("alice@example.com"));
  return envelope;
}

bool told(const mail::Notify& notify, const mail::Outcome& end) {
  return wants_notice(from_alice(), recipient(notify), end);
}

TEST(Notice, OfAFailureGoesToWhoAskedForItOrAskedForNothing) {
  const auto failed = outcome(Action::failed);
  EXPECT_TRUE(told(kUnspecified, failed));
  EXPECT_TRUE(told(kFailure, failed));
  EXPECT_FALSE(told(kSuccess, failed));
  EXPECT_FALSE(told(kDelay, failed));
  EXPECT_FALSE(told(kNever, failed));
}

TEST(Notice, OfASuccessGoesOnlyToWhoAskedForIt) {
  for (const Action action : {Action::delivered, Action::relayed, Action::expanded}) {
    EXPECT_TRUE(told(kSuccess, outcome(action)));
    EXPECT_FALSE(told(kUnspecified, outcome(action)));
    EXPECT_FALSE(told(kFailure, outcome(action)));
    EXPECT_FALSE(told(kNever, outcome(action)));
  }
}

// RFC 2852 4.1.4.2
TEST(Notice, OfMailThatWentOnGoesToWhoWantsToHearWhenItIsLateUnlessTheNextServerTells) {
  auto envelope = from_alice();
  envelope.deliver_by = base::UtcTime{};
  envelope.deliver_by_notify = true;
  const auto told = [&](const mail::Notify& notify, const mail::Outcome& end) {
    return wants_notice(envelope, recipient(notify), end);
  };
  auto relayed = outcome(Action::relayed, true);
  for (const auto& notify : {kUnspecified, kSuccess, kFailure, kDelay}) EXPECT_TRUE(told(notify, relayed));
  EXPECT_FALSE(told(kNever, relayed));
  EXPECT_FALSE(told(kUnspecified, outcome(Action::delivered)));
  relayed.deliver_by_passed_on = true;
  EXPECT_FALSE(told(kUnspecified, relayed));
  envelope.deliver_by_notify = false;
  relayed.deliver_by_passed_on = false;
  EXPECT_FALSE(told(kUnspecified, relayed));
}

// RFC 2852 4.1.4
TEST(Notice, OfEachServerThatMailIsPassedOnToGoesToWhoWantsATrace) {
  auto envelope = from_alice();
  envelope.deliver_by = base::UtcTime{};
  envelope.deliver_by_trace = true;
  auto relayed = outcome(Action::relayed, true);
  relayed.deliver_by_passed_on = true;
  EXPECT_TRUE(wants_notice(envelope, recipient(kUnspecified), relayed));
  EXPECT_TRUE(wants_notice(envelope, recipient(kFailure), relayed));
  EXPECT_FALSE(wants_notice(envelope, recipient(kNever), relayed));
  EXPECT_FALSE(wants_notice(envelope, recipient(kUnspecified), outcome(Action::delivered)));
  envelope.reverse_path = {};
  EXPECT_FALSE(wants_notice(envelope, recipient(kUnspecified), relayed));
}

TEST(Notice, OfADelayGoesAlsoToWhoWantsToHearWhenItIsLate) {
  auto envelope = from_alice();
  envelope.deliver_by = base::UtcTime{};
  envelope.deliver_by_notify = true;
  EXPECT_TRUE(wants_delay_notice(envelope, recipient(kFailure)));
  EXPECT_FALSE(wants_delay_notice(envelope, recipient(kNever)));
  auto warned = recipient(kFailure);
  warned.warned = true;
  EXPECT_FALSE(wants_delay_notice(envelope, warned));
}

TEST(Notice, OfMailThatWentOnWithItsNotifyIsTheNextServersPart) {
  EXPECT_FALSE(told(kSuccess, outcome(Action::relayed, true)));
}

TEST(Notice, OfADelayGoesOnceToWhoAskedForItOrAskedForNothing) {
  const mail::Envelope envelope = from_alice();
  EXPECT_TRUE(wants_delay_notice(envelope, recipient(kUnspecified)));
  EXPECT_TRUE(wants_delay_notice(envelope, recipient(kDelay)));
  EXPECT_FALSE(wants_delay_notice(envelope, recipient(kFailure)));
  EXPECT_FALSE(wants_delay_notice(envelope, recipient(kNever)));
  mail::Recipient warned = recipient(kDelay);
  warned.warned = true;
  EXPECT_FALSE(wants_delay_notice(envelope, warned));
}

TEST(Notice, NeverGoesToTheNullSender) {
  const mail::Notify all{.specified = true, .success = true, .failure = true, .delay = true};
  const mail::Envelope bounce;
  EXPECT_FALSE(wants_notice(bounce, recipient(all), outcome(Action::failed)));
  EXPECT_FALSE(wants_notice(bounce, recipient(all), outcome(Action::delivered)));
  EXPECT_FALSE(wants_delay_notice(bounce, recipient(all)));
}

TEST(Notice, IsNotWrittenOfWhatARuleDiscardedOrOfWhatHasNoEnd) {
  EXPECT_FALSE(told(kSuccess, outcome(Action::discarded)));
  EXPECT_FALSE(told(kUnspecified, outcome(Action::deferred)));
}

}  // namespace
}  // namespace postrider::queue
