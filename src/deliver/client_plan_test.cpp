#include "deliver/client_plan.hpp"

#include <gmock/gmock.h>

#include "deliver/testing/client_house.hpp"

namespace postrider::deliver {
namespace {

using mail::Action;
using testing::address;
using wire::smtp::Extensions;

class Plan : public ::testing::Test {
 protected:
  Plan() {
    envelope_.reverse_path = mail::ReversePath(address("sender@here.test"));
    envelope_.recipients.push_back(testing::recipient("alice@there.test"));
  }
  // The lines of the transaction; "" where nothing is said.
  std::string plan(const Extensions& offered, ContentPiece first = {"a: b\r\n\r\n", true},
                   bool eight_bit = false) {
    queue::Job job{.id = {1},
                   .envelope = std::make_shared<mail::Envelope>(envelope_),
                   .recipients = {},
                   .destination = {.host = envelope_.recipients[0].final.host(), .route = nullptr},
                   .site = "site",
                   .open = {}};
    for (std::uint32_t i = 0; i < envelope_.recipients.size(); ++i) job.recipients.push_back(i);
    ClientResults results(job, clock_);
    const auto made = plan_transaction(offered, first, eight_bit, results);
    open_ = results.open().size();
    outcomes_ = results.take();
    std::string lines = made.mail;
    for (const auto& recipient : made.recipients) lines += recipient.line;
    return lines;
  }

  mail::Envelope envelope_;
  sys::fake::Clock clock_;
  std::size_t open_ = 0;
  std::vector<mail::Outcome> outcomes_;
};

const std::string kPlain = "MAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test>\r\n";

TEST_F(Plan, SaysNothingThatTheServerDidNotOffer) {
  envelope_.body = mail::BodyType::eight_bit_mime;
  envelope_.ret = mail::DsnReturn::full;
  envelope_.envid = "id";
  envelope_.recipients[0].notify = {.specified = true, .success = true, .failure = false, .delay = false};
  EXPECT_EQ(plan({}), kPlain);
  EXPECT_EQ(plan({.eight_bit_mime = true, .dsn = true, .size = true, .most = {}}),
            "MAIL FROM:<sender@here.test> SIZE=8 BODY=8BITMIME RET=FULL ENVID=id\r\n"
            "RCPT TO:<alice@there.test> NOTIFY=SUCCESS ORCPT=rfc822;alice@there.test\r\n");
}

TEST_F(Plan, WhatIsSentOnByAnAliasHasAReversePathOfItsOwn) {
  envelope_.recipients[0].reverse_path = address("SRS0=AAAAAA=RI=here.test=sender@us.test");
  EXPECT_EQ(plan({}),
            "MAIL FROM:<SRS0=AAAAAA=RI=here.test=sender@us.test>\r\nRCPT TO:<alice@there.test>\r\n");
}

// RFC 2852
TEST_F(Plan, TheTimeThatIsLeftIsHandedOn) {
  using std::chrono::milliseconds, std::chrono::seconds;
  const Extensions offered{.most = {}, .deliver_by = true, .least_by = 60};
  envelope_.deliver_by = clock_.utc() + milliseconds(60'999);
  EXPECT_EQ(plan(offered), "MAIL FROM:<sender@here.test> BY=60;R\r\nRCPT TO:<alice@there.test>\r\n");
  envelope_.deliver_by_trace = true;
  EXPECT_EQ(plan(offered), "MAIL FROM:<sender@here.test> BY=60;RT\r\nRCPT TO:<alice@there.test>\r\n");
  clock_.advance(milliseconds(1000));
  EXPECT_EQ(plan(offered), "");
  EXPECT_EQ(outcomes_[0].action, Action::failed);
  EXPECT_EQ(
      outcomes_[0].reply,
      mail::reply(554, 4, 7, "the message is to be delivered within 59 seconds, the server wants more"));
  envelope_.deliver_by_notify = true;
  clock_.advance(seconds(61));
  EXPECT_EQ(plan(offered), "MAIL FROM:<sender@here.test> BY=-2;NT\r\nRCPT TO:<alice@there.test>\r\n");
}

TEST_F(Plan, WhatIsToComeBackWhenLateGoesOnlyWhereThatIsKnown) {
  envelope_.deliver_by = clock_.utc() + std::chrono::hours(1);
  EXPECT_EQ(plan({}), "");
  EXPECT_EQ(outcomes_[0].action, Action::failed);
  EXPECT_EQ(outcomes_[0].reply,
            mail::reply(554, 4, 7, "the server can't see to it that the message is delivered in time"));
  envelope_.deliver_by_notify = true;
  EXPECT_EQ(plan({}), kPlain);
}

// RFC 6710
TEST_F(Plan, ThePriorityIsHandedOn) {
  envelope_.priority = -4;
  EXPECT_EQ(plan({.most = {}, .mt_priority = true}),
            "MAIL FROM:<sender@here.test> MT-PRIORITY=-4\r\nRCPT TO:<alice@there.test>\r\n");
  EXPECT_EQ(plan({}), kPlain);
  envelope_.priority = 0;
  EXPECT_EQ(plan({.most = {}, .mt_priority = true}), kPlain);
}

TEST_F(Plan, TheOriginalRecipientIsHandedOnAsItCame) {
  envelope_.recipients[0].original = address("list@here.test");
  EXPECT_EQ(plan({.dsn = true, .most = {}}),
            "MAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test> ORCPT=rfc822;list@here.test\r\n");
  envelope_.recipients[0].orcpt = mail::OriginalRecipient{"rfc822", "a+b@elsewhere.test"};
  EXPECT_EQ(
      plan({.dsn = true, .most = {}}),
      "MAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test> ORCPT=rfc822;a+2Bb@elsewhere.test\r\n");
  envelope_.recipients[0].orcpt.reset();
  envelope_.recipients[0].original = address("j\xC3\xBCrg@here.test");
  EXPECT_EQ(
      plan({.dsn = true, .most = {}}),
      "MAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test> ORCPT=utf-8;j\\x{FC}rg@here.test\r\n");
}

TEST_F(Plan, AMessageLargerThanTheServerTakesFails) {
  EXPECT_EQ(plan({.size = true, .most = 8}),
            "MAIL FROM:<sender@here.test> SIZE=8\r\nRCPT TO:<alice@there.test>\r\n");
  EXPECT_EQ(plan({.size = true, .most = 7}), "");
  EXPECT_EQ(outcomes_[0].action, Action::failed);
  EXPECT_EQ(outcomes_[0].reply,
            mail::reply(552, 3, 4, "the message has 8 octets, the server takes at most 7"));
  envelope_.size = 100000;
  EXPECT_EQ(plan({.size = true, .most = 99999}, {std::string(70000, 'x'), false}), "");
}

TEST_F(Plan, BinarymimeNeedsItsExtensionAndChunks) {
  envelope_.body = mail::BodyType::binary_mime;
  EXPECT_EQ(plan({.binary_mime = true, .most = {}}), "");
  EXPECT_EQ(outcomes_[0].reply.enhanced->to_string(), "5.6.3");
  EXPECT_EQ(plan({.chunking = true, .eight_bit_mime = true, .most = {}}), "");
  EXPECT_TRUE(plan({.chunking = true, .binary_mime = true, .most = {}})
                  .starts_with("MAIL FROM:<sender@here.test> BODY=B"));
}

TEST_F(Plan, DeclaredEightBitContentFailsWhereTheServerDoesNotTakeIt) {
  envelope_.body = mail::BodyType::eight_bit_mime;
  const ContentPiece content{"a: b\r\n\r\n\xC3\xBC\r\n", true};
  EXPECT_EQ(plan({}, content, true), "");
  EXPECT_EQ(outcomes_[0].action, Action::failed);
  EXPECT_EQ(outcomes_[0].reply, mail::reply(554, 6, 3, "the server does not take 8BITMIME"));
  EXPECT_TRUE(plan({.eight_bit_mime = true, .most = {}}, content, true)
                  .starts_with("MAIL FROM:<sender@here.test> BODY=8"));
  EXPECT_EQ(plan({}), kPlain);  // it was only called so
}

TEST_F(Plan, EightBitContentOfANotificationGoesAsItIsSinceNobodyWouldHearOfItsFailure) {
  envelope_.body = mail::BodyType::eight_bit_mime;
  envelope_.reverse_path = mail::ReversePath();
  EXPECT_TRUE(plan({}, {"a: b\r\n\r\n\xC3\xBC\r\n", true}, true).starts_with("MAIL FROM:<>\r\n"));
}

TEST_F(Plan, EightBitContentThatNobodyDeclaredGoesAsItIs) {
  EXPECT_EQ(plan({}, {"a: b\r\n\r\n\xC3\xBC\r\n", true}, true), kPlain);
}

TEST_F(Plan, Smtputf8IsLeftOutWhereNothingNeedsIt) {
  envelope_.smtputf8 = true;
  EXPECT_EQ(plan({}, {"a: b\r\n\r\n\xC3\xBC\r\n", true}), kPlain);
  EXPECT_EQ(plan({.smtputf8 = true, .most = {}}),
            "MAIL FROM:<sender@here.test> SMTPUTF8\r\nRCPT TO:<alice@there.test>\r\n");
}

TEST_F(Plan, AHeaderOrSenderThatNeedsSmtputf8FailsWithoutIt) {
  envelope_.smtputf8 = true;
  EXPECT_EQ(plan({}, {"a: \xC3\xBC\r\n\r\n", true}), "");
  EXPECT_EQ(outcomes_[0].action, Action::failed);
  EXPECT_EQ(outcomes_[0].reply.code, 553);
  EXPECT_EQ(outcomes_[0].reply.enhanced->to_string(), "5.6.7");
  EXPECT_EQ(plan({}, {"a: b", false}), "");  // who knows what the rest of the header is
  envelope_.smtputf8 = false;
  EXPECT_EQ(plan({}, {"a: \xC3\xBC\r\n\r\n", true}), kPlain);  // it came like that, and goes like that
  envelope_.reverse_path = mail::ReversePath(address("j\xC3\xBCrg@here.test"));
  EXPECT_EQ(plan({}), "");
  EXPECT_TRUE(
      plan({.smtputf8 = true, .most = {}}).starts_with("MAIL FROM:<j\xC3\xBCrg@here.test> SMTPUTF8\r\n"));
}

TEST_F(Plan, ANonAsciiRecipientFailsAloneWithoutSmtputf8) {
  envelope_.recipients.push_back(testing::recipient("j\xC3\xBCrg@there.test"));
  EXPECT_EQ(plan({}), kPlain);
  EXPECT_EQ(open_, 1u);
  EXPECT_EQ(outcomes_[1].reply.enhanced->to_string(), "5.6.7");
  EXPECT_EQ(plan({.smtputf8 = true, .most = {}}),
            "MAIL FROM:<sender@here.test> SMTPUTF8\r\nRCPT TO:<alice@there.test>\r\n"
            "RCPT TO:<j\xC3\xBCrg@there.test>\r\n");
}

}  // namespace
}  // namespace postrider::deliver
