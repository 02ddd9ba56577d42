#include "policy/dkim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/inquiry.hpp"
#include "sys/clock.hpp"
#include "sys/fake/resolver.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::policy {
namespace {

using namespace wire::dkim::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using wire::dkim::Result;

constexpr std::string_view kMessage = "From: joe@football.example.com\r\nSubject: x\r\n\r\nHi.\r\n";
const std::string kBrisbane = "brisbane._domainkey.football.example.com";
const std::string kTest = "test._domainkey.football.example.com";

struct PolicyDkim : ::testing::Test {
  PolicyDkim() { dns.texts = records_of({brisbane(), test()}); }
  sys::fake::Resolver dns;
};

std::vector<DkimResult> check(std::string_view message, sys::Resolver& dns) {
  const auto [header, body] = split(message);
  wire::dkim::BodyHasher bodies;
  DkimCheck check(wire::dkim::HeaderIndex(header), bodies);
  bodies.feed(body);
  bodies.finish();
  bool done = false;
  Inquiry::make(dns, sys::system_clock(), [](auto task) { task(); })
      ->run(
          std::chrono::seconds(1), [&](Lookups& lookups) { return check.go_on(lookups); },
          [&] { done = true; });
  EXPECT_TRUE(done);
  return check.results(bodies, {});
}

std::vector<Result> results_of(const std::vector<DkimResult>& results) {
  std::vector<Result> out;
  for (const auto& one : results) out.push_back(one.verdict.result);
  return out;
}

TEST_F(PolicyDkim, SaysWhoSigned) {
  const auto results = check(signed_by(kMessage, {brisbane(), test()}), dns);
  EXPECT_THAT(results_of(results), ElementsAre(Result::pass, Result::pass));
  EXPECT_TRUE(results[0].passed());
  EXPECT_EQ(results[0].domain, "football.example.com");
  EXPECT_EQ(results[0].identity, "@football.example.com");
  EXPECT_EQ(results[0].selector, "brisbane");
  EXPECT_EQ(results[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(results[0].signature_start.size(), 8u);
  EXPECT_EQ(results[1].algorithm, "rsa-sha256");
  EXPECT_EQ(describe(results[0]), "pass (d=football.example.com, s=brisbane, ed25519-sha256, 256 bits)");
  EXPECT_EQ(describe(check(signed_by(kMessage, {brisbane()}) + "More.\r\n", dns).at(0)),
            "fail: the body has changed (d=football.example.com, s=brisbane, ed25519-sha256, 256 bits; " +
                kBrisbane + " has \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\")");
}

// RFC 6376 8.2
TEST_F(PolicyDkim, CountsNoSignatureBehindWhichAnybodyMayAppend) {
  const Forged forged{.tags = "v=1; d=football.example.com; s=brisbane; h=From; l=5"};
  const auto whole = check(message_of(forged), dns).at(0);
  EXPECT_TRUE(whole.passed()) << describe(whole);
  const auto partial = check(message_of(forged) + "And more.\r\n", dns).at(0);
  EXPECT_EQ(partial.verdict.result, Result::policy);
  EXPECT_EQ(partial.verdict.fault, wire::dkim::Fault::partial);
  EXPECT_THAT(describe(partial),
              ::testing::StartsWith("policy: l= leaves the last 11 octets of the body unsigned (d="));
  // What is false is so first of all.
  Forged changed = forged;
  changed.hashed = "No.\r\n";
  EXPECT_EQ(check(message_of(changed) + "And more.\r\n", dns).at(0).verdict.result, Result::fail);
}

TEST_F(PolicyDkim, AsksForEachKeyOnce) {
  EXPECT_EQ(check(signed_by(kMessage, {test(), brisbane(), test()}), dns).size(), 3u);
  EXPECT_EQ(dns.asked, 2);
  EXPECT_TRUE(check(kMessage, dns).empty());
  EXPECT_EQ(dns.asked, 2);
}

TEST_F(PolicyDkim, TellsTroubleOfTheDnsFromAMissingKey) {
  dns.errors[kBrisbane] = sys::dns::Error::timeout;
  dns.texts.erase(kTest);
  const auto results = check(signed_by(kMessage, {brisbane(), test()}), dns);
  EXPECT_THAT(results_of(results), ElementsAre(Result::temperror, Result::permerror));
  EXPECT_EQ(describe(results[0]),
            "temperror: the key could not be looked up: timeout (d=football.example.com, s=brisbane, "
            "ed25519-sha256)");
  EXPECT_THAT(describe(results[1]), HasSubstr("permerror: there is no key"));
  for (const auto error : {sys::dns::Error::servfail, sys::dns::Error::bogus}) {
    dns.errors[kBrisbane] = error;
    EXPECT_THAT(results_of(check(signed_by(kMessage, {brisbane()}), dns)), ElementsAre(Result::temperror));
  }
  for (const auto error : {sys::dns::Error::nodata, sys::dns::Error::malformed}) {
    dns.errors[kBrisbane] = error;
    EXPECT_THAT(results_of(check(signed_by(kMessage, {brisbane()}), dns)), ElementsAre(Result::permerror));
  }
}

TEST_F(PolicyDkim, AsksNothingForASignatureThatCanNotBeUsed) {
  const auto results =
      check("DKIM-Signature: v=1; a=rsa-sha1; d=example.com; s=old; h=From; bh=YWJj; b=ZGVm\r\n" +
                std::string(kMessage),
            dns);
  EXPECT_THAT(results_of(results), ElementsAre(Result::permerror));
  EXPECT_EQ(describe(results[0]), "permerror: rsa-sha1 proves nothing any more (d=example.com, s=old)");
  EXPECT_EQ(dns.asked, 0);
}

TEST_F(PolicyDkim, ShowsARecordInOneBoundedLine) {
  dns.texts[kBrisbane] = {"v=DKIM1; k=ed25519; t=y; n=\xc3\xa4" + std::string(2000, 'x') + "; p="};
  const auto line = describe(check(signed_by(kMessage, {brisbane()}), dns).at(0));
  EXPECT_THAT(line, HasSubstr("permerror: the key was revoked, in testing mode (d="));
  EXPECT_THAT(line, HasSubstr("n=??xxx"));
  EXPECT_EQ(line.size(), 1000u);
}

TEST_F(PolicyDkim, TakesAQuestionWithoutAnAnswerForTrouble) {
  DkimKeys keys;
  keys.want("a.test");
  keys.want("b.test");
  Lookups lookups;
  EXPECT_FALSE(keys.go_on(lookups));
  EXPECT_EQ(lookups.take_wanted().size(), 2u);
  lookups.answer({QuestionType::txt, "a.test"},
                 TextAnswer(sys::dns::Answer<std::string>{{"record"}, {}, false}));
  EXPECT_FALSE(keys.go_on(lookups));
  EXPECT_EQ(keys.of("a.test").records, std::vector<std::string>{"record"});
  EXPECT_EQ(keys.of("b.test").trouble, "no answer");
  EXPECT_EQ(keys.of("c.test").kind, wire::dkim::KeyAnswer::Kind::unavailable);
  lookups.answer({QuestionType::txt, "b.test"},
                 TextAnswer(std::unexpected(sys::dns::Failure{sys::dns::Error::nxdomain, false, "told so"})));
  EXPECT_TRUE(keys.go_on(lookups));
  EXPECT_EQ(keys.of("b.test").kind, wire::dkim::KeyAnswer::Kind::absent);
}

// RFC 8601 2.7.1
TEST_F(PolicyDkim, TellsOthersInAuthenticationResults) {
  const auto told = [](std::vector<DkimResult> results) {
    return wire::authres::write({"mx.example.com", 1, method_results(results)});
  };
  auto results = check(signed_by(kMessage, {brisbane()}), dns);
  results[0].signature_start = "01234567";
  EXPECT_EQ(told(results),
            "Authentication-Results: mx.example.com;\r\n"
            "\tdkim=pass (256-bit key) header.d=football.example.com\r\n"
            "\theader.i=@football.example.com header.s=brisbane header.a=ed25519-sha256\r\n"
            "\theader.b=01234567\r\n");
  results[0].verdict = {.result = Result::fail, .why = "the body has changed", .record = {}, .testing = true};
  EXPECT_THAT(told(results), HasSubstr("dkim=fail (testing) reason=\"the body has changed\"\r\n"));
  EXPECT_EQ(told({}), "Authentication-Results: mx.example.com;\r\n\tdkim=none\r\n");
}

}  // namespace
}  // namespace postrider::policy
