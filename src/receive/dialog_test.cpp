#include "receive/dialog.hpp"

#include <gtest/gtest.h>

#include "receive/testing/house.hpp"

namespace postrider::receive {
namespace {

using mail::Notify;

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
[[listener]]
address = "127.0.0.1:2525"
[[domain]]
name = "example.test"
users = ["alice", "bob"]
aliases = { one = ["far@elsewhere.test"], team = ["alice", "bob", "far@elsewhere.test"] }
)";

constexpr Notify kSuccessAndFailure{.specified = true, .success = true, .failure = true};
constexpr Notify kFailure{.specified = true, .failure = true};
constexpr Notify kSuccess{.specified = true, .success = true};
constexpr Notify kNever{.specified = true};

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

class DialogDsn : public ::testing::Test {
 protected:
  DialogDsn() : dialog_(house_.services(), house_.config().listeners.front(), {}) {
    dialog_.handle(wire::smtp::Ehlo{"client.test"});
    dialog_.handle(wire::smtp::Mail{
        .reverse_path = mail::ReversePath(address("sender@client.test")), .size = {}, .envid = {}});
  }
  void rcpt(std::string_view to, Notify notify = {}, std::optional<mail::OriginalRecipient> orcpt = {}) {
    const auto answer = dialog_.rcpt({address(to), notify, std::move(orcpt)});
    EXPECT_EQ(std::get<mail::Reply>(answer).code, 250);
  }
  std::vector<mail::Recipient> recipients() const { return dialog_.envelope(0).recipients; }

  testing::House house_{kConfig};
  Dialog dialog_;
};

// RFC 3461 5.2.7.2
TEST_F(DialogDsn, OfAnAliasWithOneTargetGoesOnUnchanged) {
  rcpt("one@example.test", kSuccessAndFailure, mail::OriginalRecipient{"rfc822", "Other@example.test"});
  ASSERT_EQ(recipients().size(), 1u);
  EXPECT_EQ(recipients()[0].final, address("far@elsewhere.test"));
  EXPECT_EQ(recipients()[0].notify, kSuccessAndFailure);
  EXPECT_EQ(recipients()[0].orcpt, (mail::OriginalRecipient{"rfc822", "Other@example.test"}));
  EXPECT_TRUE(dialog_.expanded().empty());
}

// RFC 3461 5.2.7.3 (c)
TEST_F(DialogDsn, OfAnAliasWithSeveralTargetsIsExpandedAndSuccessGoesNoFurther) {
  rcpt("team@example.test", kSuccessAndFailure);
  ASSERT_EQ(recipients().size(), 3u);
  for (const auto& recipient : recipients()) EXPECT_EQ(recipient.notify, kFailure);
  ASSERT_EQ(dialog_.expanded().size(), 1u);
  EXPECT_EQ(dialog_.expanded()[0].rcpt, 0u);
  const mail::Recipient& alias = dialog_.expanded()[0].recipient;
  EXPECT_EQ(alias.final, address("team@example.test"));
  EXPECT_EQ(alias.state, mail::RecipientState::untold);
  EXPECT_EQ(alias.notify, kSuccessAndFailure);
  EXPECT_FALSE(alias.orcpt);
  EXPECT_EQ(alias.last->action, mail::Action::expanded);
}

TEST_F(DialogDsn, OfSuccessAloneIsNeverForTheTargets) {
  rcpt("team@example.test", kSuccess);
  for (const auto& recipient : recipients()) EXPECT_TRUE(recipient.notify.never());
}

TEST_F(DialogDsn, WithoutSuccessNeedsNoExpandedAlias) {
  rcpt("team@example.test", kFailure);
  rcpt("team@example.test");
  EXPECT_TRUE(dialog_.expanded().empty());
}

TEST_F(DialogDsn, OfAnAliasTwiceNamedIsExpandedOnce) {
  rcpt("team@example.test", kSuccess);
  rcpt("team@example.test", kSuccess);
  EXPECT_EQ(dialog_.expanded().size(), 1u);
  dialog_.end_transaction();
  EXPECT_TRUE(dialog_.expanded().empty());
}

// RFC 3461 5.2.1 (d)
TEST_F(DialogDsn, TellsTheNextServerWhatTheSenderSaidWhereAnAliasChangedIt) {
  rcpt("one@example.test");
  rcpt("alice@example.test");
  ASSERT_EQ(recipients().size(), 2u);
  EXPECT_EQ(recipients()[0].orcpt, (mail::OriginalRecipient{"rfc822", "one@example.test"}));
  EXPECT_FALSE(recipients()[1].orcpt);
}

TEST_F(DialogDsn, OfTwoWaysToOneMailboxIsWhatEitherAsksFor) {
  rcpt("team@example.test", kSuccess);
  rcpt("alice@example.test", kSuccess);
  rcpt("bob@example.test");
  ASSERT_EQ(recipients().size(), 3u);
  EXPECT_EQ(recipients()[0].notify, kSuccess);
  EXPECT_EQ(recipients()[1].notify, (Notify{.specified = true, .failure = true, .delay = true}));
  EXPECT_EQ(recipients()[2].notify, kNever);
}

}  // namespace
}  // namespace postrider::receive
