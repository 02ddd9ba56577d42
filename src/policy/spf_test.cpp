#include "policy/spf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/testing/answers.hpp"

namespace postrider::policy {
namespace {

using sys::dns::Error;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using enum SpfResult;

struct SpfTest : ::testing::Test {
  sys::fake::Resolver dns;
  base::IpAddress client = base::IpAddress::parse("192.0.2.1").value();
  std::string helo = "mail.example.com";
  const mail::Domain receiver = mail::Domain::parse("mx.example.net").value();
  const base::UtcTime now{std::chrono::milliseconds(1'700'000'000'999)};

  SpfFinding check(std::string_view sender) {
    const auto path =
        sender.empty() ? mail::ReversePath() : mail::ReversePath(mail::Address::parse(sender).value());
    SpfCheck check = SpfCheck::of_mail_from(client, helo, path, receiver, now);
    testing::run_check(check, dns);
    return check.finding();
  }
};

TEST_F(SpfTest, SaysWhichTermMatched) {
  dns.texts["example.com"] = {"some other text", "v=spf1 ip4:198.51.100.0/24 include:_spf.example.com -all"};
  dns.texts["_spf.example.com"] = {"v=spf1 a:other.example.com ip4:192.0.2.0/24 -all"};
  dns.hosts["other.example.com"] = {"198.51.100.7"};
  const SpfFinding finding = check("alice@example.com");
  EXPECT_EQ(finding.result, pass);
  EXPECT_EQ(finding.domain, "example.com");
  EXPECT_EQ(finding.mechanism, "include:_spf.example.com");
  EXPECT_EQ(finding.reason, "192.0.2.1 matches include:_spf.example.com of example.com");
  const auto step = [](unsigned depth, const char* domain, const char* text, const char* outcome) {
    return ::testing::AllOf(Field(&SpfStep::depth, depth), Field(&SpfStep::domain, domain),
                            Field(&SpfStep::text, text), Field(&SpfStep::outcome, outcome));
  };
  EXPECT_THAT(
      finding.trace,
      ElementsAre(
          step(0, "example.com", "v=spf1 ip4:198.51.100.0/24 include:_spf.example.com -all", "record"),
          step(1, "_spf.example.com", "v=spf1 a:other.example.com ip4:192.0.2.0/24 -all", "record"),
          step(1, "_spf.example.com", "a:other.example.com", "no match"),
          step(1, "_spf.example.com", "ip4:192.0.2.0/24", "match"),
          step(0, "example.com", "include:_spf.example.com", "match")));
}

TEST_F(SpfTest, TellsWhatIsWrongWithARecord) {
  dns.texts["example.com"] = {"v=spf1 include:_spf.example.com -all"};
  dns.texts["_spf.example.com"] = {"v=spf1 a:192.0.2.1 -all"};
  const SpfFinding finding = check("alice@example.com");
  EXPECT_EQ(finding.result, permerror);
  EXPECT_THAT(finding.reason, HasSubstr("_spf.example.com has an error in \"a:192.0.2.1\""));
  EXPECT_EQ(finding.trace.back().text, "a:192.0.2.1");
  EXPECT_EQ(finding.trace.back().depth, 1u);
}

TEST_F(SpfTest, NullSenderIsPostmasterOfTheHeloDomain) {
  dns.texts["mail.example.com"] = {"v=spf1 exists:%{l}.%{o}.%{h}.example.net -all"};
  dns.hosts["postmaster.mail.example.com.mail.example.com.example.net"] = {"127.0.0.2"};
  EXPECT_EQ(check("").result, pass);
  SpfCheck of_helo = SpfCheck::of_helo(client, helo, receiver, now);
  testing::run_check(of_helo, dns);
  EXPECT_EQ(of_helo.finding().result, pass);
  EXPECT_EQ(of_helo.finding().domain, "mail.example.com");
}

TEST_F(SpfTest, WhatIsNoDomainHasNoRecordAndIsNotAskedFor) {
  EXPECT_EQ(check("alice@[192.0.2.1]").result, none);
  for (const char* name : {"localhost", "[192.0.2.1]", "[a.b]", "", "a..b", "mail\x01", "\xFF.example.com"}) {
    helo = name;
    EXPECT_EQ(check("").result, none) << name;
  }
  EXPECT_EQ(dns.asked, 0);
}

TEST_F(SpfTest, AsksForAnInternationalDomainInALabels) {
  dns.texts["xn--bcher-kva.example"] = {"v=spf1 include:%{d}.example.com -all"};
  dns.texts["xn--bcher-kva.example.example.com"] = {"v=spf1 +all"};
  const SpfFinding finding = check(
      "alice@b\xC3\xBC"
      "cher.example");
  EXPECT_EQ(finding.result, pass);
  EXPECT_EQ(finding.domain, "xn--bcher-kva.example");
  helo =
      "b\xC3\xBC"
      "cher.example";
  EXPECT_EQ(check("").result, pass);
}

TEST_F(SpfTest, TermWithALocalPartInUtf8NeverMatches) {
  dns.texts["example.com"] = {"v=spf1 exists:%{l}.example.com include:%{S}.example.com ~all"};
  EXPECT_EQ(check("j\xC3\xBCrgen@example.com").result, permerror)
      << "RFC 8616 4 leaves the include without a domain";
  dns.texts["example.com"] = {"v=spf1 exists:%{l}.example.com ~all"};
  EXPECT_EQ(check("j\xC3\xBCrgen@example.com").result, softfail);
  EXPECT_EQ(dns.asked, 2);
}

TEST_F(SpfTest, ExplainsAFail) {
  dns.texts["example.com"] = {"v=spf1 -all exp=why.%{d}"};
  dns.texts["why.example.com"] = {"%{c} may not send for %{s} (%{p}); %{r} at %{t}, HELO %{h}"};
  dns.pointers["192.0.2.1"] = {"dial.isp.example"};
  dns.hosts["dial.isp.example"] = {"192.0.2.1"};
  const SpfFinding finding = check("alice@example.com");
  EXPECT_EQ(finding.result, fail);
  EXPECT_EQ(finding.explanation,
            "192.0.2.1 may not send for alice@example.com (dial.isp.example); "
            "mx.example.net at 1700000000, HELO mail.example.com");
}

TEST_F(SpfTest, GivesNoExplanationThatIsNotFitForAReply) {
  dns.texts["example.com"] = {"v=spf1 -all exp=why.%{d}"};
  dns.texts["why.example.com"] = {std::string(500, 'a')};
  EXPECT_EQ(check("alice@example.com").explanation.size(), 500u);
  dns.texts["why.example.com"] = {std::string(501, 'a')};
  EXPECT_EQ(check("alice@example.com").explanation, "");
  dns.texts["why.example.com"] = {"HELO %{h}"};
  helo = "a\r\nb.example";
  EXPECT_EQ(check("alice@example.com").explanation, "");
  EXPECT_EQ(check("alice@example.com").result, fail);
}

TEST_F(SpfTest, TroublesOfTheDnsAreTemporary) {
  dns.texts["example.com"] = {"v=spf1 a:h.example.com mx:x.example.com -all"};
  dns.exchanges["x.example.com"] = {{10, "m.example.com"}, {20, "n.example.com"}};
  dns.hosts["n.example.com"] = {"198.51.100.1"};
  dns.hosts["h.example.com"] = {"198.51.100.1"};
  for (const auto error : {Error::servfail, Error::timeout, Error::bogus, Error::malformed}) {
    for (const char* name : {"example.com", "h.example.com", "x.example.com", "m.example.com"}) {
      dns.errors = {{name, error}};
      const SpfFinding finding = check("alice@example.com");
      EXPECT_EQ(finding.result, temperror) << name;
      EXPECT_THAT(finding.reason, HasSubstr(name));
      EXPECT_THAT(finding.reason, HasSubstr(to_string(error)));
    }
  }
}

TEST_F(SpfTest, AnExchangeThatMatchesIsEnough) {
  dns.texts["example.com"] = {"v=spf1 mx -all"};
  dns.exchanges["example.com"] = {{10, "m.example.com"}, {20, "n.example.com"}, {30, "."}};
  dns.hosts["n.example.com"] = {"192.0.2.1"};
  dns.errors = {{"m.example.com", Error::timeout}};
  EXPECT_EQ(check("alice@example.com").result, pass);
}

TEST_F(SpfTest, AsksForAllExchangesAtOnce) {
  SpfCheck check({client, helo, "alice", "example.com", "mx.example.net", now});
  Lookups lookups;
  const auto answer = [&](AnyAnswer with) { lookups.answer(lookups.take_wanted().at(0), std::move(with)); };
  EXPECT_FALSE(check.go_on(lookups));
  answer(TextAnswer({{"v=spf1 mx -all"}, {}, false}));
  EXPECT_FALSE(check.go_on(lookups));
  answer(ExchangeAnswer({{{1, "m.example.com"}, {1, "n.example.com"}, {1, "o.example.com"}}, {}, false}));
  EXPECT_FALSE(check.go_on(lookups));
  const auto wanted = lookups.take_wanted();
  ASSERT_EQ(wanted.size(), 3u);
  lookups.answer(wanted[2], AddressAnswer({{client}, {}, false}));
  EXPECT_TRUE(check.go_on(lookups)) << "the others need not answer";
  EXPECT_EQ(check.finding().result, pass);
}

TEST_F(SpfTest, ExchangesWithoutAddressesAreNoVoidLookups) {
  client = base::IpAddress::parse("2001:db8::1").value();
  dns.texts["example.com"] = {"v=spf1 mx ip6:2001:db8::/32 -all"};
  for (const char* name : {"m.example.com", "n.example.com", "o.example.com", "p.example.com"}) {
    dns.exchanges["example.com"].push_back({10, name});
    dns.hosts[name] = {"198.51.100.1"};
  }
  EXPECT_EQ(check("alice@example.com").result, pass);
}

TEST_F(SpfTest, MoreThanTwoVoidLookupsAreAnError) {
  dns.texts["example.com"] = {"v=spf1 a:x.example.com mx:x.example.com ?all"};
  EXPECT_EQ(check("alice@example.com").result, neutral);
  dns.texts["example.com"] = {"v=spf1 a:x.example.com mx:x.example.com exists:x.example.com ?all"};
  EXPECT_EQ(check("alice@example.com").result, permerror);
}

TEST_F(SpfTest, TenTermsMayAskTheDns) {
  dns.hosts["h.example.com"] = {"198.51.100.1"};
  std::string record = "v=spf1";
  for (int i = 0; i < 10; ++i) record += " a:h.example.com";
  dns.texts["example.com"] = {record + " ip4:192.0.2.1 -all"};
  EXPECT_EQ(check("alice@example.com").result, pass);
  dns.texts["example.com"] = {record + " a:h.example.com ip4:192.0.2.1 -all"};
  EXPECT_EQ(check("alice@example.com").result, permerror);
  dns.texts["example.com"] = {record + " redirect=other.example.com"};
  EXPECT_EQ(check("alice@example.com").result, permerror);
}

TEST_F(SpfTest, RefusesARecordThatIsTooLong) {
  std::string record = "v=spf1 +all";
  record.resize(16384, ' ');
  dns.texts["example.com"] = {record};
  EXPECT_EQ(check("alice@example.com").result, pass);
  dns.texts["example.com"] = {record + ' '};
  EXPECT_EQ(check("alice@example.com").result, permerror);
}

TEST_F(SpfTest, NamesOfTheClientMustLeadBackToIt) {
  dns.texts["example.com"] = {"v=spf1 ptr -all"};
  dns.pointers["192.0.2.1"] = {"Mail.Example.COM", "example.com"};
  dns.hosts["mail.example.com"] = {"192.0.2.9"};
  dns.hosts["example.com"] = {"192.0.2.9"};
  EXPECT_EQ(check("alice@example.com").result, fail);
  dns.hosts["mail.example.com"] = {"192.0.2.9", "192.0.2.1"};
  EXPECT_EQ(check("alice@example.com").result, pass);
  dns.texts["example.com"] = {"v=spf1 ptr:ample.com -all"};
  EXPECT_EQ(check("alice@example.com").result, fail) << "only whole labels count";
  dns.errors = {{"mail.example.com", Error::servfail}};
  dns.texts["example.com"] = {"v=spf1 ptr -all"};
  EXPECT_EQ(check("alice@example.com").result, fail) << "trouble there is not the domain's";
}

TEST_F(SpfTest, EndsWhenItsTimeIsUp) {
  dns.texts["example.com"] = {"v=spf1 include:example.com -all"};
  const sys::fake::Clock clock;
  SpfCheck check({client, helo, "alice", "example.com", "mx.example.net", now});
  const auto inquiry = Inquiry::make(dns, clock, [](auto what) { what(); });
  bool done = false;
  inquiry->run(
      base::Milliseconds(0), [&](Lookups& lookups) { return check.go_on(lookups); }, [&] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_EQ(check.finding().result, temperror);
  EXPECT_EQ(dns.asked, 0);
}

}  // namespace
}  // namespace postrider::policy
