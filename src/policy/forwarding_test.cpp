#include "policy/forwarding.hpp"

#include <gtest/gtest.h>

#include "directory/scram.hpp"
#include "policy/verdict.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::policy {
namespace {

using std::chrono::days;

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }

class Forwarded : public testing::Test {
 protected:
  void use(const std::string& rules) {
    auto loaded = config::parse(
        "hostname = \"mx.example\"\ndata_dir = \"/d\"\n[[listener]]\naddress = \"127.0.0.1:25\"\n"
        "[[domain]]\nname = \"a.example\"\nusers = [\"alice\"]\n"
        "[domain.aliases]\nout = [\"bob@far.test\", \"carol@far.test\", \"alice\", \"dora@r.example\"]\n"
        "hop = [\"out@b.example\"]\n"
        "[[domain]]\nname = \"b.example\"\naliases = { out = [\"bob@far.test\"] }\n"
        "[[domain]]\nname = \"r.example\"\nkind = \"relay\"\nrecipients = [\"dora\"]\n" +
            rules,
        "t");
    ASSERT_TRUE(loaded) << loaded.error().at(0).to_string();
    config_ = *loaded;
    directory_ = directory::from_config(config_);
    clock_.advance(days(20'000));
    keep({{clock_.utc(), std::string(32, 's')}});
  }
  void SetUp() override { use(""); }
  void keep(directory::SrsSecrets secrets) {
    forwarding_ = std::make_unique<Forwarding>(config_, std::move(secrets), clock_);
  }

  // "bob@far.test as ..." for each recipient of mail to `alias`.
  std::vector<std::string> sent(std::string_view from, std::string_view alias) const {
    const auto sender = from.empty() ? mail::ReversePath() : mail::ReversePath(address(from));
    std::vector<std::string> all;
    const auto found = directory_->resolve(address(alias));
    for (const auto& target : found.value().targets) {
      const auto made = forwarding_->sender_for(sender, target, *directory_);
      EXPECT_EQ(made.address.has_value(), made.why == "forwarding: the sender is rewritten");
      all.push_back(target.address.to_string() + (made.address ? " as " + without_hash(*made.address) : ""));
    }
    return all;
  }
  std::string sent_as(std::string_view from, std::string_view alias = "out@b.example") const {
    const directory::Target target{address("bob@far.test"), address(alias), false};
    const auto made = forwarding_->sender_for(mail::ReversePath(address(from)), target, *directory_);
    return made.address ? made.address->to_string() : std::string(made.why);
  }
  // Who gets what comes back, or the refusal.
  std::string returned(std::string_view to) const {
    const ClientFacts stranger{*base::IpAddress::parse("198.51.100.1"), config::ListenerMode::mx, {}};
    const auto verdict = judge_recipient(*config_, *directory_, stranger, address(to), forwarding_.get());
    if (const auto* refuse = std::get_if<Refuse>(&verdict))
      return std::to_string(refuse->reply.code) + ' ' + refuse->reply.enhanced->to_string() + ' ' +
             refuse->reply.text.substr(refuse->reply.text.find(": ") + 2);
    if (const auto* ask = std::get_if<AskNextHop>(&verdict)) return "ask " + ask->recipient.to_string();
    std::string out;
    for (const auto& target : std::get<Accept>(verdict).targets)
      out += (out.empty() ? "" : " ") + target.address.to_string();
    return out;
  }
  static std::string without_hash(const mail::Address& made) {
    return made.to_string().erase(5, made.local().find('=', 5) - 5);
  }

  sys::fake::Clock clock_;
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<directory::Directory> directory_;
  std::unique_ptr<Forwarding> forwarding_;
};

using Several = std::vector<std::string>;

TEST_F(Forwarded, OnlyWhatLeavesOurDomainsIsRewritten) {
  EXPECT_EQ(
      sent("eve@one.test", "out@a.example"),
      (Several{"bob@far.test as SRS0==4B=one.test=eve@a.example",
               "carol@far.test as SRS0==4B=one.test=eve@a.example", "alice@a.example", "dora@r.example"}));
  EXPECT_EQ(sent("eve@one.test", "hop@a.example"),
            Several{"bob@far.test as SRS0==4B=one.test=eve@b.example"});
}

// RFC 5321 4.5.5
TEST_F(Forwarded, TheNullSenderStaysNull) { EXPECT_EQ(sent("", "out@b.example"), Several{"bob@far.test"}); }

TEST_F(Forwarded, OurOwnSendersAreNotRewritten) {
  EXPECT_EQ(sent_as("alice@a.example"), "");
  EXPECT_EQ(sent_as("root@mx.example"), "");
  EXPECT_NE(sent_as("eve@sub.a.example"), "");
  EXPECT_NE(sent_as("dora@r.example"), "");
}

TEST_F(Forwarded, WhatNoAliasLedToIsNotRewritten) {
  const directory::Target target{address("bob@far.test"), {}, false};
  EXPECT_FALSE(
      forwarding_->sender_for(mail::ReversePath(address("eve@one.test")), target, *directory_).address);
}

TEST_F(Forwarded, ASettingTurnsItOffAndAnotherNamesTheDomain) {
  use("[srs]\nrewrite = false\n");
  EXPECT_EQ(sent_as("eve@one.test"), "");
  use("[srs]\ndomain = \"srs.example\"\n");
  const auto made = sent_as("eve@one.test");
  EXPECT_TRUE(made.ends_with("=one.test=eve@srs.example")) << made;
  EXPECT_EQ(returned(made), "eve@one.test");
  EXPECT_EQ(sent_as("x@srs.example"), "");
  EXPECT_EQ(returned("x@srs.example"), "550 5.7.1 relaying denied");
}

TEST_F(Forwarded, WithoutASecretNothingIsRewrittenOrTaken) {
  const auto made = sent_as("eve@one.test");
  keep({});
  EXPECT_EQ(sent_as("eve@one.test"), "");
  EXPECT_EQ(returned(made), "550 5.1.1 this server made no such address for mail that it sent on");
}

TEST_F(Forwarded, WhoCanNotBeRewrittenStays) {
  EXPECT_EQ(sent_as("eve@[192.0.2.1]"), "forwarding: this sender can't be rewritten, and stays");
}

TEST_F(Forwarded, WhatComesBackGoesToTheSenderFromWhichOfOurDomainsEver) {
  const auto made = sent_as("Eve=x@one.test");
  EXPECT_EQ(returned(made), "Eve=x@one.test");
  const auto local = made.substr(0, made.find('@'));
  EXPECT_EQ(returned(local + "@a.example"), "Eve=x@one.test");
  EXPECT_EQ(returned(local + "@mx.example"), "Eve=x@one.test");
  EXPECT_EQ(returned(local + "@elsewhere.test"), "550 5.7.1 relaying denied");
}

TEST_F(Forwarded, ItLeadsWhereverTheSenderIsNow) {
  const auto to = [&](std::string_view sender) {
    const auto made = wire::srs::rewrite(
        address(sender), *mail::Domain::parse("a.example"), wire::srs::day_of(clock_.utc()),
        [](std::string_view text) { return directory::hmac_sha256(std::string(32, 's'), text); });
    return returned(made.value().to_string());
  };
  EXPECT_EQ(to("alice@a.example"), "alice@a.example");
  EXPECT_EQ(to("out@b.example"), "bob@far.test");
  EXPECT_EQ(to("dora@r.example"), "dora@r.example");
  EXPECT_EQ(to("nobody@a.example"), "550 5.1.1 no such mailbox here");
}

TEST_F(Forwarded, WhatWasChangedOrMadeUpIsRefused) {
  const std::string refusal = "550 5.1.1 this server made no such address for mail that it sent on";
  auto made = sent_as("eve@one.test");
  EXPECT_EQ(returned(made.replace(made.find("eve"), 3, "bob")), refusal);
  EXPECT_EQ(returned("SRS0=AAAAAA=RI=victim.test=bob@a.example"), refusal);
  EXPECT_EQ(returned("SRS1=AAAAAARI=victim.test==x@a.example"), refusal);
  EXPECT_EQ(returned("SRS0=alice@a.example"), refusal);
  EXPECT_EQ(returned("SRS0+alice@a.example"), "550 5.1.1 no such mailbox here");
}

TEST_F(Forwarded, AnAddressIsGoodForSomeDays) {
  const auto made = sent_as("eve@one.test");
  const auto chained = sent_as("SRS0=x=y=one.test=eve@two.test");
  clock_.advance(days(21));
  EXPECT_EQ(returned(made), "eve@one.test");
  EXPECT_EQ(returned(chained), "SRS0=x=y=one.test=eve@two.test");
  clock_.advance(days(1));
  EXPECT_EQ(returned(made), "550 5.1.1 this address was good for 21 days, and is too old");
  EXPECT_EQ(returned(chained), "550 5.1.1 this address was good for 21 days, and is too old");
}

TEST_F(Forwarded, AnOlderSecretStillKnowsItsAddresses) {
  const auto made = sent_as("eve@one.test");
  const directory::SrsSecret old{clock_.utc(), std::string(32, 's')};
  const directory::SrsSecret young{clock_.utc() + days(1), std::string(32, 't')};
  keep({young, old});
  EXPECT_EQ(returned(made), "eve@one.test");
  EXPECT_NE(sent_as("eve@one.test"), made);
  keep({young});
  EXPECT_EQ(returned(made), "550 5.1.1 this server made no such address for mail that it sent on");
}

TEST_F(Forwarded, MailThatGoesBetweenTwoForwardersDoesNotGrow) {
  const auto ours = sent_as("eve@one.test");
  // Theirs sends it back to us, from where it goes to them again.
  const auto theirs = wire::srs::rewrite(address(ours), *mail::Domain::parse("two.test"), 1,
                                         [](auto) { return std::string("hash"); });
  EXPECT_EQ(sent_as(theirs.value().to_string()), ours);
  EXPECT_EQ(returned(ours), "eve@one.test");
}

TEST_F(Forwarded, AFirstForwarderThatHasBecomeOursIsFollowed) {
  const auto ours = sent_as("eve@one.test");
  const auto foreign = ours.substr(0, ours.find('@')) + "@c.example";
  const auto chained = sent_as(foreign);
  EXPECT_EQ(returned(chained), foreign);
  use("[[domain]]\nname = \"c.example\"\n");
  EXPECT_EQ(returned(chained).substr(0, 9), "550 5.1.1");  // 20,000 days later
}

}  // namespace
}  // namespace postrider::policy
