#include "policy/authentication.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/authentication_results.hpp"
#include "policy/judged.hpp"
#include "policy/testing/answers.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::policy {
namespace {

using namespace wire::dkim::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::dmarc::Policy;

constexpr std::string_view kMessage = "From: joe@football.example.com\r\nSubject: x\r\n\r\nHi.\r\n";

// football.example.com sends from 192.0.2.1, which has a name.
struct AuthenticationTest : ::testing::Test {
  sys::fake::Resolver dns;
  const sys::fake::Clock clock;
  AuthenticationFacts facts{
      .client = *base::IpAddress::parse("192.0.2.1"),
      .helo = "mx.football.example.com",
      .reverse_path = mail::ReversePath(*mail::Address::parse("joe@football.example.com")),
      .receiver = *mail::Domain::parse("mx.test"),
      .now = {}};

  AuthenticationTest() {
    dns.texts = records_of({brisbane(), test()});
    dns.texts["football.example.com"] = {"v=spf1 ip4:192.0.2.1 -all"};
    dns.texts["mx.football.example.com"] = {"v=spf1 a -all"};
    dns.hosts["mx.football.example.com"] = {"192.0.2.1"};
    dns.pointers["192.0.2.1"] = {"mx.football.example.com"};
    dns.texts["_dmarc.football.example.com"] = {"v=DMARC1; p=reject"};
  }

  AuthenticationFindings check(std::string_view message) {
    const auto [header, body] = split(message);
    wire::dkim::BodyHasher bodies;
    AuthenticationCheck check(facts, std::string(header), bodies);
    bodies.feed(body);
    bodies.finish();
    check.end_of_body();
    testing::run_check(check, dns);
    return check.findings();
  }
  std::string told(const AuthenticationFindings& findings, Policy done = Policy::none) const {
    return wire::authres::write(authentication_results(facts, findings, done));
  }
};

TEST_F(AuthenticationTest, FindsAllOfAMessageThatIsWhatItSays) {
  const auto found = check(signed_by(kMessage, {brisbane()}));
  EXPECT_EQ(found.iprev.result, IprevResult::pass);
  EXPECT_EQ(found.helo.result, SpfResult::pass);
  EXPECT_EQ(found.mail_from.result, SpfResult::pass);
  ASSERT_EQ(found.dkim.size(), 1u);
  EXPECT_TRUE(found.dkim[0].passed());
  EXPECT_EQ(found.arc.verdict.status, wire::arc::Status::none);
  EXPECT_EQ(found.dmarc.result, DmarcResult::pass);
  EXPECT_EQ(found.dmarc.spf_aligned, "football.example.com");
  EXPECT_EQ(found.dmarc.dkim_aligned, "football.example.com");
}

TEST_F(AuthenticationTest, AlignsNoSignatureBehindWhichAnybodyMayAppend) {
  dns.texts["football.example.com"] = {"v=spf1 -all"};
  const std::string message = message_of({.tags = "v=1; d=football.example.com; s=brisbane; h=From; l=5"});
  EXPECT_EQ(check(message).dmarc.result, DmarcResult::pass);
  const auto found = check(message + "And more.\r\n");
  EXPECT_EQ(found.dmarc.result, DmarcResult::fail);
  EXPECT_THAT(told(found),
              HasSubstr("dkim=policy (256-bit key)\r\n\treason=\"l= leaves the last 11 octets of the body"));
}

TEST_F(AuthenticationTest, AsksForEverythingAtOnceAndEndsOnlyWithTheBody) {
  const std::string message = signed_by(kMessage, {brisbane()});
  const auto [header, body] = split(message);
  wire::dkim::BodyHasher bodies;
  AuthenticationCheck check(facts, header, bodies);
  Lookups lookups;
  EXPECT_FALSE(check.go_on(lookups));
  std::vector<std::string> first;
  for (const Question& question : lookups.take_wanted()) first.push_back(question.name);
  EXPECT_THAT(first, ::testing::IsSupersetOf({"192.0.2.1", "football.example.com", "mx.football.example.com",
                                              "brisbane._domainkey.football.example.com",
                                              "_dmarc.football.example.com"}));
  // A check begun anew, whose answers are all there before the body is.
  AuthenticationCheck slow(facts, header, bodies);
  const auto inquiry = Inquiry::make(dns, clock, [](auto now) { now(); });
  bool done = false;
  inquiry->run(
      std::chrono::seconds(20), [&slow](Lookups& answers) { return slow.go_on(answers); },
      [&done] { done = true; });
  EXPECT_FALSE(done);
  bodies.feed(body);
  bodies.finish();
  slow.end_of_body();
  inquiry->look_again(std::chrono::seconds(20));
  EXPECT_TRUE(done);
  EXPECT_EQ(slow.findings().dmarc.result, DmarcResult::pass);
}

TEST_F(AuthenticationTest, TellsAForgery) {
  facts.client = *base::IpAddress::parse("192.0.2.66");
  const auto found = check(kMessage);
  EXPECT_EQ(found.mail_from.result, SpfResult::fail);
  EXPECT_EQ(found.dmarc.result, DmarcResult::fail);
  EXPECT_EQ(found.dmarc.disposition, Policy::reject);
  const auto field = told(found, Policy::reject);
  EXPECT_THAT(field, HasSubstr("dmarc=fail (p=reject dis=reject)\r\n\treason="));
  EXPECT_THAT(field, HasSubstr("header.from=football.example.com policy.dmarc=reject"));
  EXPECT_THAT(field, HasSubstr("spf=fail reason="));
  EXPECT_THAT(field, HasSubstr("iprev=permerror reason="));
  EXPECT_THAT(field, HasSubstr("policy.iprev=192.0.2.66"));
}

// What SPF says of another's domain proves nothing of the author. RFC 9989 3.2.1
TEST_F(AuthenticationTest, WhoPassesAsAnotherIsNotTheAuthor) {
  dns.texts["evil.example"] = {"v=spf1 +all"};
  facts.reverse_path = mail::ReversePath(*mail::Address::parse("me@evil.example"));
  const auto found = check(kMessage);
  EXPECT_EQ(found.mail_from.result, SpfResult::pass);
  EXPECT_EQ(found.dmarc.result, DmarcResult::fail);
}

// RFC 7208 2.4
TEST_F(AuthenticationTest, OfTheNullSenderTheHeloCounts) {
  facts.reverse_path = {};
  const auto found = check(kMessage);
  EXPECT_EQ(found.mail_from.domain, "mx.football.example.com");
  EXPECT_EQ(found.dmarc.spf_aligned, "mx.football.example.com");
  const auto field = told(found);
  EXPECT_THAT(field, HasSubstr("spf=pass smtp.helo=mx.football.example.com"));
  EXPECT_THAT(field, ::testing::Not(HasSubstr("smtp.mailfrom")));
}

TEST_F(AuthenticationTest, TellsOthersAllOfIt) {
  auto found = check(signed_by(kMessage, {brisbane()}));
  found.dkim[0].signature_start = "01234567";
  EXPECT_EQ(told(found),
            "Authentication-Results: mx.test;\r\n"
            "\tdmarc=pass (p=reject dis=none) header.from=football.example.com\r\n"
            "\tpolicy.dmarc=reject;\r\n"
            "\tdkim=pass (256-bit key) header.d=football.example.com\r\n"
            "\theader.i=@football.example.com header.s=brisbane header.a=ed25519-sha256\r\n"
            "\theader.b=01234567;\r\n"
            "\tspf=pass smtp.mailfrom=joe@football.example.com;\r\n"
            "\tspf=pass smtp.helo=mx.football.example.com;\r\n"
            "\tarc=none;\r\n"
            "\tiprev=pass (mx.football.example.com) policy.iprev=192.0.2.1\r\n");
}

// A HELO can hold what it wants. RFC 8601 2.2
TEST_F(AuthenticationTest, AHeloCanNotAddAResult) {
  facts.helo = "x;\r\n dmarc=pass \"";
  const auto field = told(check(kMessage));
  EXPECT_THAT(field, HasSubstr("smtp.helo=\"x;?? dmarc=pass \\\"\";"));
  EXPECT_EQ(wire::authres::parse(std::string_view(field).substr(23))->results.size(), 6u);
}

TEST_F(AuthenticationTest, AuthorsAreAllWhoStandInFrom) {
  const auto authors = [](std::string_view header) {
    return author_domains(wire::dkim::HeaderIndex(header));
  };
  EXPECT_THAT(authors("From: A <a@One.example>, b@two.example, c@one.example\r\nTo: x@to.example\r\n"),
              ElementsAre("one.example", "two.example"));
  EXPECT_THAT(authors("From: \"x@fake.example\" <a@true.example>\r\n"), ElementsAre("true.example"));
  EXPECT_THAT(authors("From: a@one.example\r\nFROM: b@two.example\r\n"),
              ::testing::UnorderedElementsAre("one.example", "two.example"));
  EXPECT_THAT(authors("Subject: x\r\n"), IsEmpty());
  EXPECT_THAT(authors("From: nobody\r\n"), IsEmpty());
  std::string many = "From: ";
  for (int i = 0; i < 1000; ++i) many += "a@d" + std::to_string(i) + ".example,";
  EXPECT_EQ(authors(many + "\r\n").size(), DmarcCheck::kMostAuthors + 1);
}

TEST_F(AuthenticationTest, AHostileMessageAsksNoMoreThanItMay) {
  std::string header;
  for (int i = 0; i < 400; ++i)
    header += "DKIM-Signature: v=1; a=rsa-sha256; d=d" + std::to_string(i) +
              ".example; s=s; h=From; bh=YWJj; b=ZGVm\r\n";
  const auto found = check(header + std::string(kMessage));
  EXPECT_EQ(found.dkim.size(), wire::dkim::kMaxSignatures);
  EXPECT_EQ(found.dkim_left_out, 400 - wire::dkim::kMaxSignatures);
  EXPECT_LT(dns.asked, 60);
}

TEST(Judged, NamesReasonsAsReportsDo) {
  EXPECT_EQ(to_string(OverrideType::local_policy), "local_policy");
  EXPECT_EQ(to_string(OverrideType::trusted_forwarder), "trusted_forwarder");
  EXPECT_EQ(to_string(OverrideType::other), "other");
}

}  // namespace
}  // namespace postrider::policy
