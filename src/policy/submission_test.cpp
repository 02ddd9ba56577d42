#include "policy/submission.hpp"

#include <gmock/gmock.h>

#include "base/ascii.hpp"
#include "directory/testing/empty_directory.hpp"

namespace postrider::policy {
namespace {

using mail::PrependField;
using mail::RemoveField;
using testing::ElementsAre;
using testing::IsEmpty;

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }

// Where alice is sales as well, and may send for info and for all of shop.example.
class Town final : public directory::testing::EmptyDirectory {
 public:
  directory::SendAs may_send_as(const mail::Address&, const mail::Address& as) const override {
    const std::string name = base::lower(as.to_ascii());
    if (name == "alice@example.com" || name == "sales@example.com") return directory::SendAs::own;
    const bool may = name == "info@example.com" || name.ends_with("@shop.example");
    return may ? directory::SendAs::anothers : directory::SendAs::no;
  }
  std::vector<std::string> addresses_of(const mail::Address&) const override {
    return {"alice@example.com", "sales@example.com", "info@example.com", "@shop.example"};
  }
};

const Town kTown;
const mail::Address kAlice = address("alice@example.com");
const Submitter kSubmitter{kAlice, kTown};

const base::MessageId kId = *base::MessageId::parse("0000000000abc");

SubmittedContent judge(std::string_view header, bool smtputf8 = false,
                       std::string_view reverse_path = "alice@example.com") {
  mail::Envelope envelope;
  if (!reverse_path.empty()) envelope.reverse_path = mail::ReversePath(address(reverse_path));
  envelope.smtputf8 = smtputf8;
  envelope.received = base::UtcTime(std::chrono::sys_days{std::chrono::year(2026) / 11 / 22});
  return judge_submission(&kSubmitter, envelope, kId, *mail::Domain::parse("mx.example"), header);
}

constexpr std::string_view kWhole = "Date: x\r\nMessage-ID: <a@b>\r\n";
std::string whole(std::string_view more) { return std::string(kWhole) + std::string(more); }

TEST(Submission, TakesTheAccountsOwnAddressesAndThoseItMaySendAs) {
  for (const std::string_view from :
       {"alice@example.com", "Alice <ALICE@EXAMPLE.COM>", "sales@example.com"}) {
    const auto verdict = judge(whole("From: " + std::string(from) + "\r\n"));
    EXPECT_FALSE(verdict.refusal) << from;
    EXPECT_THAT(verdict.edits, IsEmpty()) << from;
  }
}

TEST(Submission, SaysWhichAddressTheReversePathMayHave) {
  const auto refusal = judge_submitted_sender(kSubmitter, mail::ReversePath(address("boss@example.com")));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(*refusal,
            mail::reply(553, 7, 1,
                        "<boss@example.com> is not allowed; alice@example.com may send as alice@example.com, "
                        "sales@example.com, info@example.com, @shop.example"));
  EXPECT_FALSE(judge_submitted_sender(kSubmitter, mail::ReversePath(address("x@shop.example"))));
  EXPECT_FALSE(judge_submitted_sender(kSubmitter, mail::ReversePath()));
}

TEST(Submission, RefusesAFromThatIsAnothers) {
  const auto refusal = judge(whole("From: The Boss <boss@example.com>\r\n")).refusal;
  ASSERT_TRUE(refusal);
  EXPECT_EQ(*refusal, mail::reply(550, 7, 1,
                                  "From: boss@example.com is not allowed; alice@example.com may send as "
                                  "alice@example.com, sales@example.com, info@example.com, @shop.example"));
  EXPECT_TRUE(judge(whole("From: alice@example.com, boss@example.com\r\n")).refusal);
  EXPECT_TRUE(judge(whole("From: g: alice@example.com, boss@example.com;\r\n")).refusal);
}

TEST(Submission, RefusesAFromThatIsNoAddressAndMoreThanOne) {
  const auto none = judge(whole("From: Alice\r\n")).refusal;
  ASSERT_TRUE(none);
  EXPECT_EQ(none->text.substr(0, 28), "From: has no valid address; ");
  EXPECT_TRUE(judge(whole("From:\r\n")).refusal);
  const auto two = judge(whole("From: alice@example.com\r\nfrom: boss@example.com\r\n")).refusal;
  ASSERT_TRUE(two);
  EXPECT_EQ(*two, mail::reply(550, 7, 1, "there are 2 From: fields"));
}

TEST(Submission, AddsWhatIsMissing) {
  EXPECT_THAT(judge("Subject: x\r\n").edits,
              ElementsAre(PrependField{"Message-ID: <0000000000abc@mx.example>\r\n"},
                          PrependField{"From: alice@example.com\r\n"},
                          PrependField{"Date: Sun, 22 Nov 2026 00:00:00 +0000\r\n"}));
  EXPECT_THAT(judge("Subject: x\r\n", false, "").edits,
              testing::Contains(mail::Edit(PrependField{"From: alice@example.com\r\n"})));
}

TEST(Submission, NamesTheSenderWhereFromIsAnothersOrSeveral) {
  const PrependField sender{"Sender: alice@example.com\r\n"};
  EXPECT_THAT(judge(whole("From: info@example.com\r\n")).edits, ElementsAre(sender));
  EXPECT_THAT(judge(whole("From: alice@example.com, sales@example.com\r\n")).edits, ElementsAre(sender));
  // What is there, and true, stays; what is not true goes.
  EXPECT_THAT(judge(whole("From: info@example.com\r\nSender: sales@example.com\r\n")).edits, IsEmpty());
  EXPECT_THAT(judge(whole("From: info@example.com\r\nSender: boss@example.com\r\n")).edits,
              ElementsAre(RemoveField{3}, sender));
  EXPECT_THAT(judge(whole("From: alice@example.com\r\nSender: boss@example.com\r\n")).edits,
              ElementsAre(RemoveField{3}));
}

TEST(Submission, TakesHiddenRecipientsOut) {
  EXPECT_THAT(
      judge(whole("Bcc: a@b\r\nFrom: alice@example.com\r\nbcc: c@d,\r\n\te@f\r\nResent-Bcc: x@y\r\n")).edits,
      ElementsAre(RemoveField{2}, RemoveField{4}, RemoveField{5}));
}

TEST(Submission, TakesUtf8InTheHeaderOnlyWhereItWasAskedFor) {
  const std::string header = whole("From: alice@example.com\r\nSubject: gr\xc3\xbc\xc3\x9f\r\n");
  const auto refusal = judge(header).refusal;
  ASSERT_TRUE(refusal);
  EXPECT_EQ(*refusal,
            mail::reply(554, 6, 9, "the header has octets above 127, and SMTPUTF8 was not asked for"));
  EXPECT_FALSE(judge(header, true).refusal);
}

TEST(Submission, LetsAProgramOfThisMachineUseAnyAddress) {
  mail::Envelope envelope;
  const auto verdict = judge_submission(nullptr, envelope, kId, *mail::Domain::parse("mx.example"),
                                        whole("From: anybody@else.example\r\nBcc: a@b\r\n"));
  EXPECT_FALSE(verdict.refusal);
  EXPECT_THAT(verdict.edits, ElementsAre(RemoveField{3}));
}

}  // namespace
}  // namespace postrider::policy
