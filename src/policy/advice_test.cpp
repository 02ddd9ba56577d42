#include "policy/advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/testing/answers.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::policy {
namespace {

using namespace wire::dkim::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using wire::dkim::Fault;

constexpr std::string_view kMessage = "From: joe@football.example.com\r\nSubject: x\r\n\r\nHi.\r\n";

auto is(bool needed, const char* about, const char* words) {
  return AllOf(::testing::Field(&Advice::needed, needed), ::testing::Field(&Advice::about, about),
               ::testing::Field(&Advice::text, HasSubstr(words)));
}

// football.example.com does all as it should.
struct AdviceTest : ::testing::Test {
  sys::fake::Resolver dns;
  AuthenticationFacts facts{
      .client = *base::IpAddress::parse("192.0.2.1"),
      .helo = "mx.football.example.com",
      .reverse_path = mail::ReversePath(*mail::Address::parse("joe@football.example.com")),
      .receiver = *mail::Domain::parse("mx.test"),
      .now = {}};
  std::string message = signed_by(kMessage, {brisbane()});

  AdviceTest() {
    dns.texts = records_of({brisbane()});
    dns.texts["football.example.com"] = {"v=spf1 ip4:192.0.2.1 -all"};
    dns.texts["mx.football.example.com"] = {"v=spf1 a -all"};
    dns.hosts["mx.football.example.com"] = {"192.0.2.1"};
    dns.pointers["192.0.2.1"] = {"mx.football.example.com"};
    dns.texts["_dmarc.football.example.com"] = {"v=DMARC1; p=reject"};
  }

  std::vector<Advice> advice() {
    const auto [header, body] = split(message);
    wire::dkim::BodyHasher bodies;
    AuthenticationCheck check(facts, header, bodies);
    bodies.feed(body);
    bodies.finish();
    check.end_of_body();
    testing::run_check(check, dns);
    return advise(facts, check.findings());
  }
};

TEST_F(AdviceTest, HasNothingToSayWhereAllIsWell) { EXPECT_THAT(advice(), IsEmpty()); }

TEST_F(AdviceTest, AForgeryNeedsAllOfIt) {
  message = kMessage;
  facts.client = *base::IpAddress::parse("2001:db8::66");
  EXPECT_THAT(
      advice(),
      ElementsAre(
          is(true, "DMARC", "Nothing vouches for football.example.com"), is(true, "DKIM", "Sign the message"),
          is(true, "SPF",
             "add \"ip6:2001:db8::66\" (or the include that its provider names) to the SPF record "
             "of football.example.com, before \"-all\""),
          is(true, "iprev", "AAAA record of 2001:db8::66"), is(false, "HELO", "mx.football.example.com")));
}

TEST_F(AdviceTest, WhatWasForwardedWithItsSignatureNeedsNothingOfItsSender) {
  facts.client = *base::IpAddress::parse("192.0.2.9");
  dns.pointers["192.0.2.9"] = {"list.example"};
  dns.hosts["list.example"] = {"192.0.2.9"};
  facts.helo = "list.example";
  dns.texts["list.example"] = {"v=spf1 a -all"};
  EXPECT_THAT(advice(), ElementsAre(is(false, "SPF", "If it forwarded the message, SPF can't pass")));
}

TEST_F(AdviceTest, NamesWhatWouldHaveBeenEnough) {
  message.replace(message.find("Hi."), 3, "Ho.");
  dns.texts["football.example.com"] = {"v=spf1 -all"};
  const auto all = advice();
  ASSERT_FALSE(all.empty());
  EXPECT_THAT(all[0].text,
              HasSubstr("The signature of football.example.com (DKIM 1) would do if it passed. MAIL FROM in "
                        "football.example.com would do if SPF passed."));
  EXPECT_THAT(all[1], is(true, "DKIM 1", "Something changed the body after it was signed"));
}

TEST_F(AdviceTest, TellsStrictAlignmentFromNone) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject; adkim=s; aspf=s"};
  message.replace(message.find("From: joe@football."), 19, "From: joe@");
  const std::string unsigned_text = "From: joe@example.com\r\n\r\nHi.\r\n";
  message = signed_by(unsigned_text, {brisbane()});
  const auto all = advice();
  ASSERT_FALSE(all.empty());
  EXPECT_THAT(
      all[0].text,
      HasSubstr("With adkim=s in its record the signature of football.example.com (DKIM 1) is not enough"));
  EXPECT_THAT(all[0].text,
              HasSubstr("With aspf=s in its record MAIL FROM in football.example.com is not enough"));
}

TEST_F(AdviceTest, SaysWhatARecordLacks) {
  dns.texts["_dmarc.football.example.com"] = {"v=DMARC1; p=none"};
  EXPECT_THAT(advice(),
              ElementsAre(is(false, "DMARC",
                             "With p=none, the record at _dmarc.football.example.com lets forgeries pass")));
  dns.texts["_dmarc.football.example.com"] = {"v=DMARC1; p=reject; t=y"};
  EXPECT_THAT(advice(), ElementsAre(is(false, "DMARC", "Take t=y out")));
  dns.texts["_dmarc.football.example.com"] = {"v=DMARC1; p=x; rua=mailto:a@b.example"};
  EXPECT_THAT(advice(), ElementsAre(is(true, "DMARC", "is missing or wrong")));
  dns.texts["_dmarc.football.example.com"] = {"v=DMARC1; p=x"};
  EXPECT_THAT(advice(), ElementsAre(is(true, "DMARC", "behind \"v=DMARC1\" it needs p=none")));
  dns.texts.erase("_dmarc.football.example.com");
  EXPECT_THAT(advice(),
              ElementsAre(is(false, "DMARC", "Publish a TXT record at _dmarc.football.example.com")));
}

TEST_F(AdviceTest, NeverBlamesTheSenderForADnsThatIsSilent) {
  for (const char* name : {"_dmarc.football.example.com", "brisbane._domainkey.football.example.com",
                           "football.example.com", "mx.football.example.com"})
    dns.errors[name] = sys::dns::Error::servfail;
  const auto all = advice();
  EXPECT_EQ(all.size(), 5u);
  for (const Advice& one : all) EXPECT_THAT(one.text, HasSubstr("sk again later")) << one.about;
}

TEST_F(AdviceTest, LeavesOutWhatWasNotChecked) {
  facts.unknown.client = true;
  const int before = dns.asked;
  EXPECT_THAT(advice(), IsEmpty());
  EXPECT_EQ(dns.asked - before, 2);  // the key and the DMARC record
  message = kMessage;
  EXPECT_THAT(advice(), ElementsAre(is(true, "DMARC", "SPF was not checked here"), is(true, "DKIM", "Sign")));
  facts.unknown = {.reverse_path = true};
  EXPECT_THAT(advice(), ElementsAre(is(true, "DMARC", "SPF was not checked here"), is(true, "DKIM", "Sign")));
}

TEST(SpfAdvice, NamesWhoseRecordItIs) {
  const auto client = *base::IpAddress::parse("192.0.2.1");
  const auto text = [&](SpfResult result, SpfFault fault, const char* where) {
    SpfFinding finding;
    finding.result = result;
    finding.domain = "example.com";
    finding.reason = "the reason";
    finding.fault = fault;
    finding.faulty = where;
    const auto all = advise_spf("SPF", client, finding);
    return all.size() == 1 ? all[0].text : std::to_string(all.size());
  };
  using enum SpfResult;
  EXPECT_THAT(text(none, SpfFault::no_record, "example.com"), HasSubstr("\"v=spf1 ip4:192.0.2.1 -all\""));
  EXPECT_THAT(text(permerror, SpfFault::no_record, "_spf.example.net"),
              HasSubstr("leads to _spf.example.net, which has no SPF"));
  EXPECT_EQ(text(permerror, SpfFault::several_records, "example.com"),
            "Merge the SPF records of example.com into one: of several none counts.");
  EXPECT_THAT(text(permerror, SpfFault::syntax, "_spf.example.net"),
              HasSubstr("(example.com leads there: tell its owner, or leave it out): the reason."));
  EXPECT_THAT(text(permerror, SpfFault::too_many_terms, "example.com"), HasSubstr("at most 10 of its terms"));
  EXPECT_THAT(text(permerror, SpfFault::too_many_voids, "example.com"),
              HasSubstr("more than 2 are an error"));
  EXPECT_THAT(text(permerror, SpfFault::too_many_exchanges, "example.com"),
              HasSubstr("more than 10 mail exchanges"));
  EXPECT_THAT(text(permerror, SpfFault::bad_target, "example.com"), HasSubstr("it leads to no domain"));
  EXPECT_THAT(text(permerror, SpfFault::too_long, "example.com"),
              HasSubstr("Correct the SPF record of example.com: the reason."));
  EXPECT_THAT(text(temperror, SpfFault::dns, "a.example.com"), HasSubstr("did not answer for a.example.com"));
  EXPECT_THAT(text(none, SpfFault::not_a_domain, "localhost"), HasSubstr("MAIL FROM in a domain"));
}

// None is without words, and none has those of another.
TEST(DkimAdvice, HasWordsForEachFault) {
  std::vector<std::string> seen;
  for (int fault = 1; fault <= static_cast<int>(Fault::partial); ++fault) {
    DkimResult result;
    result.verdict.result = wire::dkim::Result::fail;
    result.verdict.fault = static_cast<Fault>(fault);
    result.verdict.why = "the reason";
    result.domain = "example.com";
    result.selector = "s1";
    const auto all = advise_dkim("DKIM 1", result);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_TRUE(all[0].needed);
    EXPECT_GT(all[0].text.size(), 20u) << fault;
    EXPECT_THAT(seen, Not(::testing::Contains(all[0].text)));
    seen.push_back(all[0].text);
  }
  EXPECT_EQ(seen.size(), 16u);
}

TEST(DkimAdvice, DoesNotBlameTheSenderForAFooter) {
  DkimResult result;
  result.verdict = {
      .result = wire::dkim::Result::fail, .fault = Fault::body_changed, .why = {}, .record = {}};
  result.appended_octets = 42;
  EXPECT_THAT(advise_dkim("DKIM 1", result),
              ElementsAre(is(true, "DKIM 1", "On the way 42 octets were appended")));
}

TEST(DkimAdvice, SaysWhatCouldBeBetterOfOneThatPasses) {
  DkimResult result;
  result.algorithm = "rsa-sha256";
  result.verdict = {.result = wire::dkim::Result::pass, .why = {}, .record = {}, .key_bits = 2048};
  EXPECT_THAT(advise_dkim("DKIM 1", result), IsEmpty());
  result.verdict.key_bits = 1024;
  result.verdict.testing = true;
  EXPECT_THAT(advise_dkim("DKIM 1", result),
              ElementsAre(is(false, "DKIM 1", "t=y"), is(false, "DKIM 1", "one of 1024 bits")));
}

}  // namespace
}  // namespace postrider::policy
