#include "policy/authentication_verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::dmarc::Policy;

std::string code(const AuthenticationVerdict& verdict) {
  if (!verdict.refusal) return "taken";
  return std::to_string(verdict.refusal->code) + ' ' + verdict.refusal->enhanced->to_string();
}

// A message in the name of bank.example, with p=reject, for which nothing speaks.
struct AuthenticationVerdictTest : ::testing::Test {
  config::Config config{*mail::Domain::parse("mx.test")};
  AuthenticationFacts facts{.client = *base::IpAddress::parse("192.0.2.66"),
                            .helo = "mx.forwarder.example",
                            .reverse_path = mail::ReversePath(*mail::Address::parse("x@evil.example")),
                            .receiver = *mail::Domain::parse("mx.test"),
                            .now = {}};
  AuthenticationFindings found;

  AuthenticationVerdictTest() {
    found.authors = {"bank.example"};
    auto& dmarc = found.dmarc;
    dmarc.result = DmarcResult::fail;
    dmarc.author = dmarc.policy_domain = dmarc.organization = "bank.example";
    dmarc.record.emplace().policy = Policy::reject;
    dmarc.policy = dmarc.disposition = Policy::reject;
    dmarc.policy_tag = "p";
    dmarc.reason = "neither SPF nor DKIM passes for any domain";
    found.mail_from.domain = "evil.example";
    found.mail_from.reason = "192.0.2.66 matches -all of evil.example";
    found.helo.domain = "mx.forwarder.example";
    found.iprev.reason = "has no name";
  }
  void wants(Policy policy) {
    found.dmarc.policy = found.dmarc.disposition = found.dmarc.record->policy = policy;
  }
  AuthenticationVerdict judge() const { return judge_authentication(config, facts, found); }
  std::vector<std::string> overrides() const {
    std::vector<std::string> out;
    for (const auto& one : judge().overrides)
      out.push_back(std::string(to_string(one.type)) + ": " + one.comment);
    return out;
  }
  void unreadable_key(const std::string& domain) {
    auto& one = found.dkim.emplace_back();
    one.domain = domain;
    one.selector = "s";
    one.verdict.result = wire::dkim::Result::temperror;
  }
  void sealed(std::vector<ArcHop> hops) {
    found.arc.verdict.status = wire::arc::Status::pass;
    found.arc.hops = std::move(hops);
  }
};

TEST_F(AuthenticationVerdictTest, DoesWhatTheOwnerOfTheDomainAsksFor) {
  const auto verdict = judge();
  ASSERT_EQ(code(verdict), "550 5.7.1");
  EXPECT_THAT(verdict.refusal->text, HasSubstr("bank.example wants such mail refused (p=reject)"));
  EXPECT_EQ(verdict.done, Policy::reject);
  EXPECT_THAT(verdict.overrides, IsEmpty());
  wants(Policy::quarantine);
  EXPECT_EQ(code(judge()), "taken");
  EXPECT_EQ(judge().done, Policy::quarantine);
  wants(Policy::none);
  EXPECT_EQ(judge().done, Policy::none);
  EXPECT_THAT(overrides(), IsEmpty());
}

TEST_F(AuthenticationVerdictTest, LeavesAloneWhatPassesOrHasNoPolicy) {
  found.dmarc.disposition = Policy::none;
  for (const auto result : {DmarcResult::pass, DmarcResult::none}) {
    found.dmarc.result = result;
    EXPECT_EQ(code(judge()), "taken");
    EXPECT_EQ(judge().done, Policy::none);
    EXPECT_THAT(overrides(), IsEmpty());
  }
}

TEST_F(AuthenticationVerdictTest, SaysThatATestedPolicyIsOne) {
  found.dmarc.record->testing = true;
  found.dmarc.disposition = Policy::quarantine;
  EXPECT_EQ(judge().done, Policy::quarantine);
  EXPECT_THAT(overrides(), ElementsAre("policy_test_mode: t=y"));
}

TEST_F(AuthenticationVerdictTest, DoesLessWhereTheSettingsSaySo) {
  config.dmarc.policy = config::DmarcPolicy::quarantine;
  EXPECT_EQ(code(judge()), "taken");
  EXPECT_EQ(judge().done, Policy::quarantine);
  EXPECT_THAT(overrides(), ElementsAre("local_policy: quarantine is the most that is done here"));
  config.dmarc.policy = config::DmarcPolicy::none;
  EXPECT_EQ(judge().done, Policy::none);
  EXPECT_THAT(overrides(), ElementsAre("local_policy: the policy is not applied here"));
}

// RFC 9989 11.5
TEST_F(AuthenticationVerdictTest, RefusesAFromWhoseDomainsCanNotBeJudged) {
  found.dmarc = {};
  found.dmarc.result = DmarcResult::permerror;
  found.dmarc.reason = "From has more than 4 domains";
  EXPECT_EQ(code(judge()), "550 5.7.1");
  config.dmarc.policy = config::DmarcPolicy::quarantine;
  EXPECT_EQ(judge().done, Policy::quarantine);
  // Nobody is disguised.
  config.dmarc.policy = config::DmarcPolicy::apply;
  found.authors.clear();
  EXPECT_EQ(code(judge()), "taken");
}

TEST_F(AuthenticationVerdictTest, TakesAllThatAListedForwarderBrings) {
  config.authentication.forwarder_networks = {*base::Network::parse("192.0.2.0/24")};
  EXPECT_EQ(code(judge()), "taken");
  EXPECT_THAT(overrides(), ElementsAre("trusted_forwarder: listed: 192.0.2.0/24"));
  config.authentication.forwarder_networks.clear();
  config.authentication.forwarder_domains = {*mail::Domain::parse("forwarder.example")};
  EXPECT_EQ(code(judge()), "550 5.7.1") << "a HELO alone is worth nothing";
  found.helo.result = SpfResult::pass;
  EXPECT_THAT(overrides(), ElementsAre("trusted_forwarder: listed: forwarder.example"));
  found.helo.result = SpfResult::none;
  found.iprev.names = {"out.notforwarder.example"};
  EXPECT_EQ(code(judge()), "550 5.7.1");
  found.iprev.names = {"out.forwarder.example"};
  EXPECT_EQ(code(judge()), "taken");
}

TEST_F(AuthenticationVerdictTest, BelievesATrustedSealOfWhatWasTrueBefore) {
  sealed({{"lists.example", "lists.example; dmarc=pass header.from=bank.example"}});
  EXPECT_EQ(code(judge()), "550 5.7.1");
  config.authentication.trusted_arc = {*mail::Domain::parse("lists.example")};
  EXPECT_EQ(code(judge()), "taken");
  EXPECT_THAT(overrides(), ElementsAre("local_policy: arc=pass as[1].d=lists.example"));
  sealed({{"lists.example", "lists.example; dkim=pass header.d=bank.example"}});
  EXPECT_EQ(code(judge()), "taken");
  sealed({{"lists.example", "lists.example; dmarc=fail; dkim=pass header.d=evil.example"}});
  EXPECT_EQ(code(judge()), "550 5.7.1");
}

TEST_F(AuthenticationVerdictTest, BelievesNoSealBehindWhichAStrangerCouldHaveChangedIt) {
  config.authentication.trusted_arc = {*mail::Domain::parse("lists.example")};
  const ArcHop list{"lists.example", "lists.example; dmarc=pass"};
  const ArcHop stranger{"evil.example", "evil.example; dmarc=pass; arc=pass"};
  sealed({list, stranger});
  EXPECT_EQ(code(judge()), "550 5.7.1");
  sealed({stranger, list});
  EXPECT_EQ(code(judge()), "taken");
  sealed({list, {"sub.lists.example", "lists.example; dmarc=fail; arc=pass"}});
  EXPECT_THAT(overrides(), ElementsAre("local_policy: arc=pass as[1].d=lists.example"));
  found.arc.verdict.unsigned_octets = 1;
  EXPECT_EQ(code(judge()), "550 5.7.1");
  found.arc.verdict = {.status = wire::arc::Status::fail, .why = {}};
  EXPECT_EQ(code(judge()), "550 5.7.1");
}

TEST_F(AuthenticationVerdictTest, AsksTheSenderToComeAgainWhereTheDnsDidNotAnswer) {
  found.mail_from.domain = "mail.bank.example";
  found.mail_from.result = SpfResult::temperror;
  EXPECT_EQ(code(judge()), "451 4.7.24");
  EXPECT_EQ(judge().done, Policy::none);
  found.mail_from.result = SpfResult::fail;
  unreadable_key("bank.example");
  EXPECT_EQ(code(judge()), "451 4.7.5");
  config.authentication.undecided = config::Undecided::accept;
  EXPECT_EQ(code(judge()), "taken");
  EXPECT_THAT(overrides(), ElementsAre("local_policy: not all of it could be looked up"));
}

// Else a domain with a broken DNS would be a pass for every name.
TEST_F(AuthenticationVerdictTest, AStrangersSilenceHelpsNobody) {
  found.mail_from.result = SpfResult::temperror;
  unreadable_key("evil.example");
  unreadable_key("notbank.example");
  EXPECT_EQ(code(judge()), "550 5.7.1");
  config.authentication.undecided = config::Undecided::accept;
  EXPECT_EQ(code(judge()), "550 5.7.1");
}

TEST_F(AuthenticationVerdictTest, TakesWhatIsUndecidedWhereNothingWouldBeRefused) {
  unreadable_key("bank.example");
  wants(Policy::quarantine);
  EXPECT_EQ(code(judge()), "taken");
  EXPECT_EQ(judge().done, Policy::none);
  found.dmarc = {};
  found.dmarc.result = DmarcResult::temperror;
  found.dmarc.author = "bank.example";
  EXPECT_EQ(code(judge()), "taken") << "what its owner wants is not known";
  config.authentication.undecided = config::Undecided::defer;
  EXPECT_EQ(code(judge()), "451 4.7.5");
  found.dkim.clear();
  EXPECT_EQ(code(judge()), "451 4.4.3");
  found.dmarc.result = DmarcResult::pass;
  found.mail_from.result = SpfResult::temperror;
  EXPECT_EQ(code(judge()), "taken");
}

TEST_F(AuthenticationVerdictTest, AWalkThatFoundThePolicyAndNotTheRestIsUndecidedToo) {
  found.dmarc.result = DmarcResult::temperror;
  found.dmarc.disposition = Policy::none;
  EXPECT_EQ(code(judge()), "451 4.4.3");
  found.dmarc.record->testing = true;
  EXPECT_EQ(code(judge()), "taken");
}

TEST_F(AuthenticationVerdictTest, RefusesAnSpfFailOnlyWhereTheSettingsSaySo) {
  found.dmarc = {};
  found.dmarc.author = "evil.example";
  found.mail_from.result = SpfResult::fail;
  found.mail_from.explanation = "see http://evil.example/why";
  EXPECT_EQ(code(judge()), "taken");
  config.authentication.refuse_spf_fail = true;
  EXPECT_EQ(code(judge()), "550 5.7.23");
  EXPECT_EQ(
      judge().refusal->text,
      "SPF: 192.0.2.66 matches -all of evil.example; evil.example explains: see http://evil.example/why");
  EXPECT_THAT(overrides(), ElementsAre("local_policy: SPF fail is refused here"));
  found.dmarc.result = DmarcResult::pass;
  EXPECT_EQ(code(judge()), "taken") << "DKIM says more";
  found.dmarc.result = DmarcResult::none;
  config.authentication.forwarder_networks = {*base::Network::parse("192.0.2.66")};
  EXPECT_EQ(code(judge()), "taken");
}

TEST_F(AuthenticationVerdictTest, TellsATimelineAllOfIt) {
  found.mail_from.result = SpfResult::fail;
  EXPECT_THAT(
      describe(facts, found, judge()),
      ElementsAre("dmarc=fail (bank.example): neither SPF nor DKIM passes for any domain; bank.example "
                  "has p=reject, done: reject",
                  "dkim=none: no signature",
                  "spf=fail (MAIL FROM evil.example): 192.0.2.66 matches -all of evil.example",
                  "spf=none (HELO mx.forwarder.example): ", "arc=none", "iprev=permerror: has no name"));
}

}  // namespace
}  // namespace postrider::policy
