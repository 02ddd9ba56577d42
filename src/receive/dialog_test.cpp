#include "receive/dialog.hpp"

#include <gtest/gtest.h>

#include "receive/testing/house.hpp"

namespace postrider::receive {
namespace {

using mail::Notify;

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
networks = ["127.0.0.0/8"]
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

TEST_F(DialogDsn, OfWhatIsSentOnIsStillTheSendersOwn) {
  house_.keep_secret(std::string(32, 's'));
  dialog_.end_transaction();
  dialog_.handle(wire::smtp::Mail{
      .reverse_path = mail::ReversePath(address("sender@client.test")), .size = {}, .envid = {}});
  rcpt("team@example.test");
  const auto envelope = dialog_.envelope(0);
  EXPECT_EQ(envelope.reverse_path.to_string(), "sender@client.test");
  std::vector<std::string> with;
  for (const auto& recipient : envelope.recipients)
    with.push_back(envelope.reverse_path_for(recipient).to_string().substr(0, 4));
  EXPECT_EQ(with, (std::vector<std::string>{"send", "send", "SRS0"}));
  EXPECT_EQ(dialog_.decisions(),
            (std::vector<std::string>{"forwarding: the sender is rewritten", "recipient: here"}));
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

// The extensions of listeners for users.
class DialogWishes : public ::testing::Test {
 protected:
  explicit DialogWishes(config::ListenerMode mode = config::ListenerMode::submission) {
    listener_ = house_.config().listeners.front();
    listener_.mode = mode;
    listener_.offers = config::Offers::of(mode);
  }
  // What EHLO is answered, each line.
  std::string hello(Dialog& dialog) { return dialog.handle(wire::smtp::Ehlo{"client.test"}).text; }
  static Peer from(const char* ip) { return {.address = *base::IpAddress::parse(ip)}; }
  std::expected<wire::smtp::Command, mail::Reply> parse(const Dialog& dialog, std::string_view line) {
    return wire::smtp::parse_command(line, dialog.rules(line));
  }
  mail::Reply say(Dialog& dialog, std::string_view line) {
    const auto command = parse(dialog, line);
    if (!command) return command.error();
    if (const auto* rcpt = std::get_if<wire::smtp::Rcpt>(&*command))
      return std::get<mail::Reply>(dialog.rcpt(*rcpt));
    return dialog.handle(*command);
  }

  testing::House house_{kConfig};
  config::Listener listener_;
};

TEST_F(DialogWishes, AreOfferedOnAListenerForUsers) {
  Dialog dialog(house_.services(), listener_, from("192.0.2.1"));
  const auto offered = hello(dialog);
  EXPECT_NE(offered.find("\nFUTURERELEASE 2592000 20"), std::string::npos) << offered;
  EXPECT_NE(offered.find("\nDELIVERBY 60\nMT-PRIORITY\n"), std::string::npos) << offered;
  EXPECT_EQ(say(dialog, "MAIL FROM:<a@b.test> HOLDFOR=60 BY=120;RT MT-PRIORITY=-1").code, 250);
  EXPECT_EQ(say(dialog, "RCPT TO:<alice@example.test>").code, 250);
  const auto envelope = dialog.envelope(0);
  EXPECT_EQ(*envelope.deliver_by - *envelope.hold_until, std::chrono::seconds(60));
  EXPECT_TRUE(envelope.deliver_by_trace);
  EXPECT_EQ(envelope.priority, -1);
  EXPECT_EQ(dialog.decisions().size(), 4u);
  dialog.end_transaction();
  EXPECT_EQ(say(dialog, "MAIL FROM:<a@b.test>").code, 250);
  EXPECT_FALSE(dialog.envelope(0).hold_until || dialog.envelope(0).deliver_by);
}

TEST_F(DialogWishes, AreNotKnownOnOtherListenersUnlessTheyAreListed) {
  listener_.mode = config::ListenerMode::mx;
  listener_.offers = config::Offers::of(listener_.mode);
  Dialog dialog(house_.services(), listener_, from("192.0.2.1"));
  const auto offered = hello(dialog);
  for (const char* word : {"FUTURERELEASE", "DELIVERBY", "MT-PRIORITY"})
    EXPECT_EQ(offered.find(word), std::string::npos) << offered;
  for (const char* wish : {"HOLDFOR=60", "BY=120;R", "MT-PRIORITY=-1"})
    EXPECT_EQ(say(dialog, std::string("MAIL FROM:<a@b.test> ") + wish).code, 555) << wish;
}

TEST_F(DialogWishes, ToHoldMailAreForThoseWhoMayRelay) {
  listener_.mode = config::ListenerMode::mx;
  Dialog stranger(house_.services(), listener_, from("192.0.2.1"));
  EXPECT_EQ(hello(stranger).find("FUTURERELEASE"), std::string::npos);
  EXPECT_EQ(say(stranger, "MAIL FROM:<a@b.test> HOLDFOR=60").code, 555);
  Dialog ours(house_.services(), listener_, from("127.0.0.5"));
  EXPECT_NE(hello(ours).find("FUTURERELEASE"), std::string::npos);
  EXPECT_EQ(say(ours, "MAIL FROM:<a@b.test> HOLDFOR=60").code, 250);
}

// RFC 6710
TEST_F(DialogWishes, OfAHighPriorityAreLoweredForStrangersAndTheRepliesSaySo) {
  Dialog stranger(house_.services(), listener_, from("192.0.2.1"));
  hello(stranger);
  EXPECT_EQ(say(stranger, "MAIL FROM:<a@b.test> MT-PRIORITY=5"),
            mail::reply(250, 3, 6, "0 is the new priority: more is only for users of this server"));
  EXPECT_EQ(stranger.envelope(0).priority, 0);
  EXPECT_EQ(
      stranger.accepted("ID"),
      mail::reply(250, 3, 6, "0 is the new priority: more is only for users of this server; queued as ID"));
  Dialog ours(house_.services(), listener_, from("127.0.0.5"));
  hello(ours);
  EXPECT_EQ(say(ours, "MAIL FROM:<a@b.test> MT-PRIORITY=5"), mail::reply(250, 1, 0, "<a@b.test> sender ok"));
  EXPECT_EQ(ours.envelope(0).priority, 5);
  EXPECT_EQ(ours.accepted("ID"), mail::reply(250, 0, 0, "queued as ID"));
}

TEST_F(DialogWishes, ThatAreRefusedOpenNoTransaction) {
  Dialog dialog(house_.services(), listener_, from("192.0.2.1"));
  hello(dialog);
  EXPECT_EQ(say(dialog, "MAIL FROM:<a@b.test> HOLDFOR=999999999").code, 501);
  EXPECT_FALSE(dialog.in_transaction());
  EXPECT_EQ(say(dialog, "MAIL FROM:<a@b.test> BY=5;R").code, 555);
  EXPECT_FALSE(dialog.in_transaction());
}

}  // namespace
}  // namespace postrider::receive
