#include "policy/dmarc.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/dmarc_walk.hpp"
#include "policy/testing/answers.hpp"

namespace postrider::policy {
namespace {

using sys::dns::Error;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using wire::dmarc::Policy;
using enum DmarcResult;

struct DmarcTest : ::testing::Test {
  sys::fake::Resolver dns;

  DmarcFinding check(const std::vector<std::string>& authors, DmarcIdentifiers identifiers = {}) {
    DmarcCheck check(authors);
    check.identify(std::move(identifiers));
    testing::run_check(check, dns);
    return check.finding();
  }
  DmarcFinding by_spf(const std::string& author, const std::string& domain) {
    return check({author}, {.spf = domain, .dkim = {}});
  }
  DmarcFinding by_dkim(const std::string& author, const std::string& domain) {
    return check({author}, {.spf = {}, .dkim = {domain}});
  }
};

// RFC 9989 B.4.1
TEST_F(DmarcTest, SimpleOrganization) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  dns.texts["_dmarc.signing.example.com"] = {"v=DMARC1; p=none"};
  const DmarcFinding finding =
      check({"example.com"}, {.spf = "example.com", .dkim = {"signing.example.com"}});
  EXPECT_EQ(finding.result, pass);
  EXPECT_EQ(finding.spf_aligned, "example.com");
  EXPECT_EQ(finding.dkim_aligned, "signing.example.com");
  EXPECT_EQ(finding.organization, "example.com");
  EXPECT_EQ(finding.policy_domain, "example.com");
  EXPECT_EQ(finding.policy, Policy::reject);
  EXPECT_EQ(finding.disposition, Policy::none);
  EXPECT_EQ(finding.reason,
            "DKIM of signing.example.com and SPF of example.com are aligned with example.com");
}

// RFC 9989 B.4.2
TEST_F(DmarcTest, DeepWalkTakesEightQuestions) {
  EXPECT_THAT(dmarc_targets("a.b.c.d.e.f.g.h.i.j.k.example.com"),
              ElementsAre("a.b.c.d.e.f.g.h.i.j.k.example.com", "g.h.i.j.k.example.com", "h.i.j.k.example.com",
                          "i.j.k.example.com", "j.k.example.com", "k.example.com", "example.com", "com"));
  EXPECT_EQ(dmarc_targets("1.2.3.4.5.6.7.8").size(), 8u);
  EXPECT_THAT(dmarc_targets("com"), ElementsAre("com"));
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  dns.texts["_dmarc.signing.example.com"] = {"v=DMARC1; p=none"};
  const DmarcFinding finding = by_dkim("a.b.c.d.e.f.g.h.i.j.k.example.com", "signing.example.com");
  EXPECT_EQ(finding.result, pass);
  EXPECT_EQ(finding.policy_domain, "example.com");
  EXPECT_EQ(dns.asked, 9) << "the ninth is _dmarc.signing.example.com";
}

// RFC 9989 B.4.3
TEST_F(DmarcTest, PublicSuffixEndsTheWalk) {
  dns.texts["_dmarc.bank.example"] = {"v=DMARC1; p=reject; psd=y"};
  dns.texts["_dmarc.giant.bank.example"] = {"v=DMARC1; p=quarantine"};
  const DmarcFinding finding =
      check({"giant.bank.example"}, {.spf = "mail.giant.bank.example", .dkim = {"mail.mega.bank.example"}});
  EXPECT_EQ(finding.result, pass);
  EXPECT_EQ(finding.spf_aligned, "mail.giant.bank.example");
  EXPECT_EQ(finding.dkim_aligned, "");
  EXPECT_EQ(finding.policy_domain, "giant.bank.example");
  EXPECT_EQ(finding.organization, "giant.bank.example");
}

TEST_F(DmarcTest, PolicyOfAPublicSuffixIsForDomainsWithoutOne) {
  dns.texts["_dmarc.bank.example"] = {"v=DMARC1; p=none; sp=reject; psd=y"};
  dns.texts["_dmarc.a.deep.giant.bank.example"] = {"v=DMARC1; p=none"};
  const DmarcFinding finding = by_dkim("deep.giant.bank.example", "bank.example");
  EXPECT_EQ(finding.result, fail) << "the suffix itself is of another organization";
  EXPECT_EQ(finding.organization, "giant.bank.example");
  EXPECT_EQ(finding.policy_domain, "bank.example");
  EXPECT_EQ(finding.policy_tag, "sp");
  EXPECT_EQ(finding.disposition, Policy::reject);
  EXPECT_EQ(by_dkim("deep.giant.bank.example", "giant.bank.example").result, pass);
  EXPECT_EQ(by_dkim("a.deep.giant.bank.example", "mail.giant.bank.example").policy_domain,
            "a.deep.giant.bank.example");
  EXPECT_EQ(by_dkim("bank.example", "giant.bank.example").organization, "bank.example");
  dns.texts["_dmarc.giant.bank.example"] = {"v=DMARC1; p=quarantine"};
  EXPECT_EQ(by_dkim("deep.giant.bank.example", "bank.example").policy_domain, "giant.bank.example");
}

TEST_F(DmarcTest, NoPublicSuffixEndsTheWalkToo) {
  dns.texts["_dmarc.b.example.com"] = {"v=DMARC1; p=quarantine; psd=n"};
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  const DmarcFinding finding = by_dkim("a.b.example.com", "example.com");
  EXPECT_EQ(finding.result, fail);
  EXPECT_EQ(finding.policy_domain, "b.example.com");
  EXPECT_EQ(finding.disposition, Policy::quarantine);
  EXPECT_EQ(by_dkim("a.b.example.com", "c.b.example.com").result, pass);
}

TEST_F(DmarcTest, OrganizationIsTheHighestDomainWithARecord) {
  dns.texts["_dmarc.mail.example.com"] = {"v=DMARC1; p=none"};
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  const DmarcFinding finding = by_spf("a.mail.example.com", "other.example.com");
  EXPECT_EQ(finding.result, pass);
  EXPECT_EQ(finding.policy_domain, "example.com");
  EXPECT_EQ(finding.policy, Policy::reject);
}

TEST_F(DmarcTest, IdenticalDomainsNeedNoWalk) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  EXPECT_EQ(by_dkim("example.com", "EXAMPLE.com").result, pass);
  EXPECT_EQ(by_spf("example.com", "example.com.").result, pass);
  EXPECT_EQ(by_spf("example.com", "example.net").result, fail);
  EXPECT_EQ(dns.asked, 3);
}

TEST_F(DmarcTest, StrictAlignmentNeedsTheVeryDomain) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject; adkim=s"};
  EXPECT_EQ(by_dkim("example.com", "mail.example.com").result, fail);
  EXPECT_EQ(by_dkim("mail.example.com", "example.com").result, fail);
  EXPECT_EQ(by_dkim("mail.example.com", "mail.example.com").result, pass);
  EXPECT_EQ(by_spf("example.com", "mail.example.com").result, pass);
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject; aspf=s"};
  EXPECT_EQ(by_dkim("example.com", "mail.example.com").result, pass);
  EXPECT_EQ(by_spf("example.com", "mail.example.com").result, fail);
}

TEST_F(DmarcTest, AlignmentIsByWholeLabels) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  dns.texts["_dmarc.notexample.com"] = {"v=DMARC1; p=reject"};
  EXPECT_EQ(by_dkim("example.com", "notexample.com").result, fail);
  EXPECT_EQ(by_dkim("example.com", "com").result, fail);
}

TEST_F(DmarcTest, PolicyOfSubdomainsDependsOnTheirExistence) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=none; sp=quarantine; np=reject"};
  dns.hosts["here.example.com"] = {"192.0.2.1"};
  const auto tag = [&](const char* author) { return check({author}).policy_tag; };
  EXPECT_EQ(tag("example.com"), "p");
  EXPECT_EQ(tag("here.example.com"), "sp");
  EXPECT_EQ(tag("gone.example.com"), "np");
  EXPECT_EQ(check({"gone.example.com"}).disposition, Policy::reject);
  dns.errors["_dmarc.parent.example.com"] = Error::nodata;
  EXPECT_EQ(tag("parent.example.com"), "sp") << "it has something below it";
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=quarantine; np=reject"};
  EXPECT_EQ(tag("here.example.com"), "p");
  EXPECT_EQ(tag("gone.example.com"), "np");
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=quarantine; sp=reject"};
  EXPECT_EQ(tag("gone.example.com"), "sp");
}

TEST_F(DmarcTest, TestModeIsOneLevelMilder) {
  const auto disposition = [&](const char* tags) {
    dns.texts["_dmarc.example.com"] = {std::string("v=DMARC1; t=y; ") + tags};
    return check({"example.com"}).disposition;
  };
  EXPECT_EQ(disposition("p=reject"), Policy::quarantine);
  EXPECT_EQ(disposition("p=quarantine"), Policy::none);
  EXPECT_EQ(disposition("p=none"), Policy::none);
  EXPECT_EQ(disposition("p=reject; pct=0"), Policy::quarantine) << "pct means nothing any more";
  EXPECT_EQ(check({"example.com"}).policy, Policy::reject);
}

TEST_F(DmarcTest, SeveralRecordsAtANameAreNone) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject", "v=DMARC1; p=none"};
  EXPECT_EQ(by_dkim("example.com", "example.com").result, none);
  dns.texts["_dmarc.mail.example.com"] = {"v=DMARC1; p=none", "v=DMARC1; p=quarantine"};
  dns.texts["_dmarc.example.com"] = {"something else", "v=DMARC1; p=reject"};
  EXPECT_EQ(check({"mail.example.com"}).disposition, Policy::reject) << "the walk goes on";
}

TEST_F(DmarcTest, WithoutAUsableRecordThereIsNoDmarc) {
  EXPECT_EQ(by_dkim("mail.example.com", "mail.example.com").result, none);
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; adkim=s"};
  const DmarcFinding finding = by_dkim("example.com", "example.com");
  EXPECT_EQ(finding.result, none);
  EXPECT_FALSE(finding.record);
  EXPECT_THAT(finding.reason, HasSubstr("no valid policy"));
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=x; rua=mailto:a@example.com"};
  EXPECT_EQ(by_dkim("example.com", "example.com").result, pass);
  EXPECT_EQ(check({"example.com"}).result, fail);
}

TEST_F(DmarcTest, TroublesOfTheDnsAreTemporaryButForAPass) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject; np=none"};
  for (const auto error : {Error::servfail, Error::timeout, Error::bogus, Error::malformed}) {
    dns.errors = {{"_dmarc.mail.example.com", error}};
    const DmarcFinding own = by_dkim("mail.example.com", "mail.example.com");
    EXPECT_EQ(own.result, temperror);
    EXPECT_EQ(own.disposition, Policy::none);
    EXPECT_EQ(own.reason, "_dmarc.mail.example.com: " + std::string(to_string(error)));
    EXPECT_EQ(by_dkim("example.com", "mail.example.com").result, temperror);
    dns.errors = {{"_dmarc.com", error}};
    EXPECT_EQ(check({"mail.example.com"}).result, temperror) << "the organization is not known";
    EXPECT_EQ(by_dkim("example.com", "mail.example.com").result, temperror);
    EXPECT_EQ(check({"example.com"}, {.spf = "mail.example.com", .dkim = {"example.com"}}).result, pass);
    EXPECT_EQ(by_dkim("example.com", "example.net").result, fail);
    dns.errors = {{"gone.example.com", error}};
    EXPECT_EQ(check({"gone.example.com"}).result, temperror) << "whether it exists is not known";
    EXPECT_EQ(by_dkim("gone.example.com", "example.com").result, pass);
  }
}

TEST_F(DmarcTest, FromWithoutOneGoodDomainIsAnError) {
  EXPECT_EQ(check({}).result, permerror);
  EXPECT_EQ(check({""}).result, permerror);
  EXPECT_EQ(check({"example.com", "a..b"}).result, permerror);
  EXPECT_EQ(check({"\xFF.example"}).result, permerror);
  EXPECT_EQ(check({"a.x", "b.x", "c.x", "d.x", "e.x"}).result, permerror);
  EXPECT_EQ(dns.asked, 0);
}

TEST_F(DmarcTest, OfSeveralAuthorsTheWorstCounts) {
  dns.texts["_dmarc.good.example"] = {"v=DMARC1; p=reject"};
  dns.texts["_dmarc.mild.example"] = {"v=DMARC1; p=none"};
  dns.texts["_dmarc.bad.example"] = {"v=DMARC1; p=reject"};
  dns.errors["_dmarc.slow.example"] = Error::timeout;
  const DmarcIdentifiers good = {.spf = {}, .dkim = {"good.example"}};
  const auto worst = [&](std::vector<std::string> authors) { return check(authors, good).author; };
  EXPECT_EQ(check({"good.example", "GOOD.example."}, good).result, pass) << "it is one domain";
  EXPECT_EQ(worst({"good.example", "mild.example", "bad.example", "slow.example"}), "bad.example");
  EXPECT_EQ(worst({"good.example", "mild.example", "slow.example"}), "mild.example");
  EXPECT_EQ(worst({"slow.example", "good.example"}), "slow.example");
  EXPECT_EQ(worst({"good.example", "none.example"}), "none.example");
}

TEST_F(DmarcTest, InternationalAuthorIsComparedInALabels) {
  dns.texts["_dmarc.xn--bcher-kva.example"] = {"v=DMARC1; p=reject"};
  EXPECT_EQ(by_dkim("b\xC3\xBC"
                    "cher.example",
                    "xn--bcher-kva.example")
                .result,
            pass);
}

TEST_F(DmarcTest, AsksForTheRecordBeforeTheIdentifiersAreKnown) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  DmarcCheck check({"example.com"});
  Lookups lookups;
  EXPECT_FALSE(check.go_on(lookups));
  const auto wanted = lookups.take_wanted();
  EXPECT_THAT(wanted, ElementsAre(Question{QuestionType::txt, "_dmarc.example.com"}));
  lookups.answer(wanted[0], TextAnswer({{"v=DMARC1; p=reject"}, {}, false}));
  EXPECT_FALSE(check.go_on(lookups));
  EXPECT_TRUE(lookups.take_wanted().empty());
  check.identify({.spf = "example.com", .dkim = {}});
  EXPECT_TRUE(check.go_on(lookups));
  EXPECT_EQ(check.finding().result, pass);
}

TEST_F(DmarcTest, CountsOnlyTheFirstSignatures) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject"};
  DmarcIdentifiers many;
  for (int i = 0; i < 10; ++i) many.dkim.push_back("s" + std::to_string(i) + ".example.net");
  many.dkim.push_back("example.com");
  EXPECT_EQ(check({"example.com"}, many).result, fail);
  many.dkim.erase(many.dkim.begin());
  EXPECT_EQ(check({"example.com"}, many).result, pass);
}

TEST_F(DmarcTest, TracesEachNameOnce) {
  dns.texts["_dmarc.example.com"] = {"v=DMARC1; p=reject; x=\x01"};
  dns.texts["_dmarc.mail.example.com"] = {"v=spf1 -all"};
  const DmarcFinding finding = by_dkim("mail.example.com", "a.example.com");
  const auto step = [](const char* name, const char* outcome) {
    return ::testing::AllOf(Field(&DmarcStep::name, name), Field(&DmarcStep::outcome, outcome));
  };
  EXPECT_THAT(finding.trace,
              ElementsAre(step("_dmarc.mail.example.com", "no DMARC record"),
                          step("_dmarc.example.com", "v=DMARC1; p=reject; x=?"),
                          step("_dmarc.com", "nxdomain"), step("_dmarc.a.example.com", "nxdomain")));
  EXPECT_EQ(check({"example.com"}).reason, "neither SPF nor DKIM passes for any domain");
  EXPECT_EQ(by_dkim("example.com", "example.net").reason,
            "what passes is not aligned with example.com: example.net");
}

}  // namespace
}  // namespace postrider::policy
