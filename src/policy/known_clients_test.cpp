#include "policy/known_clients.hpp"

#include <gtest/gtest.h>

#include "policy/testing/answers.hpp"

namespace postrider::policy {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHeader = "From: a@client.test\r\n\r\n";

// client.test sends from 192.0.2.1, which has a name. What the fake resolver says is good for 300 s.
struct KnownClientsTest : ::testing::Test {
  sys::fake::Resolver dns;
  KnownClients known;
  AuthenticationFacts facts{.client = *base::IpAddress::parse("192.0.2.1"),
                            .helo = "mx.client.test",
                            .reverse_path = sender("a@client.test"),
                            .receiver = *mail::Domain::parse("mx.test"),
                            .now = base::UtcTime(1000000s)};

  KnownClientsTest() {
    dns.texts["client.test"] = {"v=spf1 ip4:192.0.2.1 -all"};
    dns.texts["mx.client.test"] = {"v=spf1 ip4:192.0.2.1 -all"};
    dns.hosts["mx.client.test"] = {"192.0.2.1"};
    dns.pointers["192.0.2.1"] = {"mx.client.test"};
    dns.texts["_dmarc.client.test"] = {"v=DMARC1; p=reject"};
  }

  static mail::ReversePath sender(std::string_view address) {
    return mail::ReversePath(*mail::Address::parse(address));
  }
  // How many questions about the client and its sender were asked for a message; `found` is what it found.
  int ask() {
    wire::dkim::BodyHasher bodies;
    AuthenticationCheck check(facts, kHeader.substr(0, kHeader.size() - 2), bodies, &known);
    bodies.finish();
    check.end_of_body();
    const int before = dns.asked;
    testing::run_check(check, dns);
    found = check.findings();
    return dns.asked - before - 1;  // DMARC's record is asked for each time
  }
  AuthenticationFindings found;
};

TEST_F(KnownClientsTest, AsksOnceForAsLongAsTheAnswersAreGood) {
  EXPECT_EQ(ask(), 4);
  const auto first = found;
  facts.now += 299s;
  EXPECT_EQ(ask(), 0);
  EXPECT_EQ(found.iprev.result, IprevResult::pass);
  EXPECT_EQ(found.iprev.names, first.iprev.names);
  EXPECT_EQ(found.iprev.reason, first.iprev.reason);
  for (const auto of : {&AuthenticationFindings::helo, &AuthenticationFindings::mail_from}) {
    EXPECT_EQ((found.*of).result, SpfResult::pass);
    EXPECT_EQ((found.*of).domain, (first.*of).domain);
    EXPECT_EQ((found.*of).mechanism, "ip4:192.0.2.1");
    EXPECT_EQ((found.*of).reason, (first.*of).reason);
  }
  EXPECT_EQ(found.dmarc.result, DmarcResult::pass);
  EXPECT_EQ(found.dmarc.spf_aligned, "client.test");
  facts.now += 1s;
  EXPECT_EQ(ask(), 4);
}

TEST_F(KnownClientsTest, AClockThatWasSetBackMakesNoAnswerLastLonger) {
  ask();
  facts.now -= 1s;
  EXPECT_EQ(ask(), 4);
}

TEST_F(KnownClientsTest, TheShortestTimeToLiveCounts) {
  dns.ttls["mx.client.test"] = 10s;
  ask();
  facts.now += 9s;
  EXPECT_EQ(ask(), 0);
  facts.now += 1s;
  EXPECT_EQ(ask(), 4);
}

TEST_F(KnownClientsTest, AnotherSenderOfTheDomainIsTheSameAndOfAnotherDomainIsNot) {
  ask();
  facts.reverse_path = sender("bounce-17@client.test");
  EXPECT_EQ(ask(), 0);
  facts.reverse_path = sender("a@other.test");
  dns.texts["other.test"] = {"v=spf1 -all"};
  EXPECT_EQ(ask(), 1);
  EXPECT_EQ(found.mail_from.result, SpfResult::fail);
  EXPECT_EQ(found.helo.result, SpfResult::pass);
  EXPECT_EQ(found.dmarc.result, DmarcResult::fail);
  EXPECT_EQ(ask(), 0);
  EXPECT_EQ(found.mail_from.result, SpfResult::fail);
}

// What was recalled is not good for longer because something else was asked for later.
TEST_F(KnownClientsTest, ASecondDomainDoesNotMakeTheFirstAnswersLastLonger) {
  ask();
  dns.texts["other.test"] = {"v=spf1 -all"};
  facts.now += 200s;
  facts.reverse_path = sender("a@other.test");
  EXPECT_EQ(ask(), 1);
  facts.now += 99s;
  EXPECT_EQ(ask(), 0);
  facts.now += 1s;
  EXPECT_EQ(ask(), 4);
}

TEST_F(KnownClientsTest, TheNullSenderIsThatOfHelo) {
  ask();
  facts.reverse_path = {};
  EXPECT_EQ(ask(), 2);  // of DMARC: to which organization mx.client.test belongs
  EXPECT_EQ(found.mail_from.domain, "mx.client.test");
  EXPECT_EQ(found.mail_from.result, SpfResult::pass);
  facts.helo = "client.test";
  EXPECT_EQ(ask(), 3);
  EXPECT_EQ(found.mail_from.domain, "client.test");
  facts.reverse_path = sender("a@client.test");
  EXPECT_EQ(ask(), 1);
  EXPECT_EQ(found.helo.domain, "client.test");
}

TEST_F(KnownClientsTest, WhoSaysAnotherHeloOrComesFromElsewhereIsLookedAt) {
  ask();
  facts.helo = "client.test";
  EXPECT_EQ(ask(), 3);  // the domain's record serves both
  facts.client = *base::IpAddress::parse("192.0.2.2");
  ask();
  EXPECT_EQ(found.mail_from.result, SpfResult::fail);
  EXPECT_EQ(found.iprev.result, IprevResult::permerror);
  facts.receiver = *mail::Domain::parse("mx2.test");
  EXPECT_GT(ask(), 0);
}

// RFC 7208 7.2
TEST_F(KnownClientsTest, ARecordThatAsksForTheSenderIsReadForEach) {
  dns.texts["client.test"] = {"v=spf1 exists:%{L}.users.client.test -all"};
  dns.hosts["a.users.client.test"] = {"127.0.0.2"};
  ask();
  EXPECT_EQ(found.mail_from.result, SpfResult::pass);
  EXPECT_EQ(ask(), 2);
  facts.reverse_path = sender("b@client.test");
  EXPECT_EQ(ask(), 2);
  EXPECT_EQ(found.mail_from.result, SpfResult::fail);
  EXPECT_EQ(found.helo.result, SpfResult::pass);
}

TEST_F(KnownClientsTest, AnExplanationThatNamesTheSenderIsWrittenForEach) {
  dns.texts["client.test"] = {"v=spf1 -all exp=why.client.test"};
  dns.texts["why.client.test"] = {"%{s} may not"};
  ask();
  EXPECT_EQ(found.mail_from.explanation, "a@client.test may not");
  facts.reverse_path = sender("b@client.test");
  ask();
  EXPECT_EQ(found.mail_from.explanation, "b@client.test may not");
}

TEST_F(KnownClientsTest, AHeloWhoseRecordAsksForTheTimeIsNotKept) {
  dns.texts["mx.client.test"] = {"v=spf1 -all exp=why.client.test"};
  dns.texts["why.client.test"] = {"at %{t}"};
  ask();
  EXPECT_EQ(found.helo.explanation, "at 1000000");
  facts.now += 1s;
  EXPECT_EQ(ask(), 5);
  EXPECT_EQ(found.helo.explanation, "at 1000001");
  facts.reverse_path = {};
  ask();
  facts.now += 1s;
  ask();
  EXPECT_EQ(found.mail_from.explanation, "at 1000002");
}

TEST_F(KnownClientsTest, NeitherTroubleNorWhatIsNotThereIsKept) {
  dns.errors["mx.client.test"] = sys::dns::Error::servfail;
  ask();
  EXPECT_EQ(found.helo.result, SpfResult::temperror);
  dns.errors.clear();
  dns.pointers.clear();
  ask();
  EXPECT_EQ(found.helo.result, SpfResult::pass);
  EXPECT_EQ(found.iprev.result, IprevResult::permerror);
  dns.pointers["192.0.2.1"] = {"mx.client.test"};
  ask();
  EXPECT_EQ(found.iprev.result, IprevResult::pass);
  EXPECT_EQ(ask(), 0);
}

TEST_F(KnownClientsTest, AHeloThatIsTooLongForADomainIsNotKept) {
  facts.helo = std::string(256, 'x');
  ask();
  EXPECT_GT(ask(), 0);
}

TEST_F(KnownClientsTest, HoldsSoManyClientsAndNoMore) {
  int remembered = 0;
  for (int i = 1; i < 255; ++i) {
    facts.client = *base::IpAddress::parse("192.0.2." + std::to_string(i));
    dns.pointers[facts.client.to_string()] = {"mx.client.test"};
    dns.hosts["mx.client.test"] = {facts.client.to_string()};
    ask();
  }
  for (int i = 1; i < 255; ++i) {
    facts.client = *base::IpAddress::parse("192.0.2." + std::to_string(i));
    if (known.find(facts)) ++remembered;
  }
  EXPECT_GT(remembered, 0);
  EXPECT_LE(remembered, static_cast<int>(KnownClients::kClients));
}

}  // namespace
}  // namespace postrider::policy
