#include "policy/verdict.hpp"

#include <gmock/gmock.h>

#include "directory/testing/empty_directory.hpp"

namespace postrider::policy {
namespace {

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }
ClientFacts client(std::string_view ip) {
  return {*base::IpAddress::parse(ip), config::ListenerMode::mx, {}};
}

// "550 5.1.1 text"
std::string shown(const mail::Reply& reply) {
  return std::to_string(reply.code) + ' ' + reply.enhanced->to_string() + ' ' + reply.text;
}

std::string shown(const RecipientVerdict& verdict) {
  if (const auto* refuse = std::get_if<Refuse>(&verdict))
    return shown(refuse->reply) + (refuse->close ? " close" : "");
  if (const auto* ask = std::get_if<AskNextHop>(&verdict)) return "ask " + ask->recipient.to_string();
  std::string out = "accept";
  for (const auto& target : std::get<Accept>(verdict).targets) out += ' ' + target.address.to_string();
  return out;
}

class Verdict : public testing::Test {
 protected:
  void use(const std::string& text) {
    auto loaded = config::parse(
        "hostname = \"mx.example\"\ndata_dir = \"/d\"\nnetworks = [\"192.0.2.0/24\"]\n"
        "[[listener]]\naddress = \"127.0.0.1:25\"\n"
        "[[domain]]\nname = \"a.example\"\nusers = [\"alice\"]\naliases = { out = [\"x@else.example\", "
        "\"alice\"] }\n"
        "[[domain]]\nname = \"r.example\"\nkind = \"relay\"\nrecipients = [\"dora\"]\n"
        "[[domain]]\nname = \"ask.example\"\nkind = \"relay\"\n" +
            text,
        "t");
    ASSERT_TRUE(loaded) << loaded.error().at(0).to_string();
    config_ = *loaded;
    directory_ = directory::from_config(config_);
  }
  void SetUp() override { use(""); }

  std::string rcpt(std::string_view recipient, std::string_view ip = "198.51.100.1") const {
    return shown(judge_recipient(*config_, *directory_, client(ip), address(recipient)));
  }
  std::string sender(std::string_view from, std::string_view ip = "198.51.100.1") const {
    const auto path = from.empty() ? mail::ReversePath() : mail::ReversePath(address(from));
    const auto refuse = judge_sender(*config_, client(ip), path);
    return refuse ? shown(*refuse) : "ok";
  }

  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<directory::Directory> directory_;
};

TEST_F(Verdict, TakesMailForOurOwn) {
  EXPECT_EQ(rcpt("Alice+x@a.example"), "accept Alice+x@a.example");
  EXPECT_EQ(rcpt("out@a.example"), "accept x@else.example alice@a.example");
  EXPECT_EQ(rcpt("postmaster@a.example"), "accept postmaster@a.example");
  EXPECT_EQ(shown(judge_recipient(*config_, *directory_, client("198.51.100.1"), mail::Postmaster())),
            "accept postmaster@a.example");
}

TEST_F(Verdict, RefusesWhomItDoesNotKnow) {
  EXPECT_EQ(rcpt("bob@a.example"), "550 5.1.1 <bob@a.example>: no such mailbox here");
  EXPECT_EQ(rcpt("bob@a.example", "192.0.2.1"), "550 5.1.1 <bob@a.example>: no such mailbox here");
  EXPECT_EQ(rcpt("emil@r.example"), "550 5.1.1 <emil@r.example>: no such mailbox here");
}

TEST_F(Verdict, WritesNoUtf8IntoAReply) {
  EXPECT_EQ(rcpt("jürgen@a.example"), "550 5.1.1 <j??rgen@a.example>: no such mailbox here");
  EXPECT_EQ(rcpt("x@bücher.example"), "550 5.7.1 <x@xn--bcher-kva.example>: relaying denied");
}

TEST_F(Verdict, RelaysForListedNetworksOnly) {
  EXPECT_EQ(rcpt("x@else.example"), "550 5.7.1 <x@else.example>: relaying denied");
  EXPECT_EQ(rcpt("x@else.example", "127.0.0.1"), "550 5.7.1 <x@else.example>: relaying denied");
  EXPECT_EQ(rcpt("x@else.example", "::1"), "550 5.7.1 <x@else.example>: relaying denied");
  EXPECT_EQ(rcpt("x@[203.0.113.5]"), "550 5.7.1 <x@[203.0.113.5]>: relaying denied");
  EXPECT_EQ(rcpt("x%else.example@a.example"), "550 5.1.1 <x%else.example@a.example>: no such mailbox here");
  EXPECT_EQ(rcpt("x@else.example", "192.0.2.255"), "accept x@else.example");
  EXPECT_EQ(rcpt("x@[203.0.113.5]", "192.0.2.255"), "accept x@[203.0.113.5]");
  const ClientFacts known{*base::IpAddress::parse("198.51.100.1"), config::ListenerMode::mx,
                          "alice@a.example"};
  EXPECT_EQ(shown(judge_recipient(*config_, *directory_, known, address("x@else.example"))),
            "accept x@else.example");
}

TEST_F(Verdict, RelaysToOurRelayDomainsForAnybody) {
  EXPECT_EQ(rcpt("dora@r.example"), "accept dora@r.example");
  EXPECT_EQ(rcpt("postmaster@r.example"), "accept postmaster@r.example");
  EXPECT_EQ(rcpt("emil@ask.example"), "ask emil@ask.example");
}

TEST_F(Verdict, DeniesClients) {
  use("[access]\ndeny_clients = [\"198.51.100.0/24\"]\nallow_clients = [\"198.51.100.7\"]\n"
      "deny_senders = [\"spam.example\"]\n");
  const auto refuse = judge_client(*config_, client("198.51.100.1"));
  ASSERT_TRUE(refuse);
  EXPECT_EQ(shown(*refuse), "554 5.7.1 mx.example takes no mail from 198.51.100.1 close");
  EXPECT_FALSE(judge_client(*config_, client("198.51.100.7")));
  EXPECT_FALSE(judge_client(*config_, client("203.0.113.1")));
  EXPECT_EQ(sender("x@spam.example", "198.51.100.7"), "ok");
}

TEST_F(Verdict, DeniesSenders) {
  use("[access]\ndeny_senders = [\"spam.example\", \".spam.example\", \"Eve@else.example\"]\n"
      "allow_senders = [\"good@spam.example\"]\n");
  EXPECT_EQ(sender("x@spam.example"), "550 5.7.1 <x@spam.example>: sender denied");
  EXPECT_EQ(sender("x@a.spam.example"), "550 5.7.1 <x@a.spam.example>: sender denied");
  EXPECT_EQ(sender("eve@ELSE.example"), "550 5.7.1 <eve@else.example>: sender denied");
  EXPECT_EQ(sender("good@spam.example"), "ok");
  EXPECT_EQ(sender("bob@else.example"), "ok");
  EXPECT_EQ(sender(""), "ok");
}

TEST_F(Verdict, DeniesRecipients) {
  use("[access]\ndeny_recipients = [\"a.example\", \"else.example\"]\nallow_recipients = "
      "[\"alice@a.example\"]\n");
  EXPECT_EQ(rcpt("alice@a.example"), "accept alice@a.example");
  EXPECT_EQ(rcpt("out@a.example"), "550 5.7.1 <out@a.example>: recipient denied");
  EXPECT_EQ(rcpt("x@else.example", "192.0.2.1"), "550 5.7.1 <x@else.example>: recipient denied");
}

// Stands for a directory that can't answer.
class Failing final : public directory::testing::EmptyDirectory {
 public:
  explicit Failing(base::Failure failure) : failure_(std::move(failure)) {}
  base::Result<directory::Resolution> resolve(const mail::Address&) const override {
    return std::unexpected(failure_);
  }
  base::Result<directory::Resolution> postmaster() const override { return std::unexpected(failure_); }

 private:
  base::Failure failure_;
};

TEST_F(Verdict, LetsUsersOfThisMachineRelayWhateverTheNetworksSay) {
  use("[access]\ndeny_clients = [\"0.0.0.0/0\"]\nallow_clients = [\"0.0.0.0\"]\ndeny_senders = "
      "[\"b.example\"]\n");
  const ClientFacts user{.address = {}, .mode = config::ListenerMode::submit, .identity = "bob", .uid = 1000};
  EXPECT_FALSE(judge_client(*config_, user));
  EXPECT_EQ(shown(judge_recipient(*config_, *directory_, user, address("far@else.example"))),
            "accept far@else.example");
  EXPECT_EQ(shown(judge_recipient(*config_, *directory_, user, address("eve@a.example"))),
            "550 5.1.1 <eve@a.example>: no such mailbox here");
  const auto denied = judge_sender(*config_, user, mail::ReversePath(address("x@b.example")));
  ASSERT_TRUE(denied);
  EXPECT_EQ(shown(denied->reply), "550 5.7.1 <x@b.example>: sender denied");
}

TEST_F(Verdict, ListsTheUsersOfThisMachineWhoMaySend) {
  const auto judged = [&](std::uint32_t uid, const std::string& name) {
    const auto refuse = judge_client(
        *config_, {.address = {}, .mode = config::ListenerMode::submit, .identity = name, .uid = uid});
    return refuse ? shown(RecipientVerdict(*refuse)) : "ok";
  };
  EXPECT_EQ(judged(1000, "bob"), "ok");
  use("[submit]\nallow = \"listed\"\nusers = [\"bob\"]\n");
  EXPECT_EQ(judged(1000, "bob"), "ok");
  EXPECT_EQ(judged(0, "root"), "ok");
  EXPECT_EQ(judged(1001, "eve"), "554 5.7.1 eve may not send mail from this machine close");
  use("[submit]\nallow = \"nobody\"\n");
  EXPECT_EQ(judged(0, "root"), "554 5.7.1 root may not send mail from this machine close");
}

TEST_F(Verdict, HandsOnWhatTheDirectoryCanNotDo) {
  const auto with = [&](base::EnhancedCode code) {
    return shown(
        judge_recipient(*config_, Failing({code, "words", "log"}), client("::1"), address("x@a.example")));
  };
  EXPECT_EQ(with({4, 3, 5}), "451 4.3.5 words");
  EXPECT_EQ(with({5, 4, 6}), "550 5.4.6 words");
}

TEST(ProbeVerdict, IsWhatTheNextHopSays) {
  const auto judged = [](mail::Reply answer) { return shown(judge_probe(address("x@ask.example"), answer)); };
  EXPECT_EQ(judged(mail::reply(250, 1, 5, "fine")), "accept x@ask.example");
  EXPECT_EQ(judged(mail::reply(551, 7, 1, "no\nx\xC3\xBC")),
            "550 5.1.1 <x@ask.example>: the next server refuses it: no x??");
  EXPECT_EQ(judged(mail::reply(450, 4, 1, "no answer")),
            "450 4.4.1 <x@ask.example>: not known yet, try again later: no answer");
  EXPECT_EQ(judged(mail::plain_reply(421, "busy")),
            "450 4.1.1 <x@ask.example>: not known yet, try again later: busy");
  EXPECT_EQ(judged(mail::plain_reply(354, "?")),
            "450 4.1.1 <x@ask.example>: not known yet, try again later: ?");
  EXPECT_LT(judged(mail::plain_reply(550, std::string(5000, 'x'))).size(), 300u);
}

}  // namespace
}  // namespace postrider::policy
