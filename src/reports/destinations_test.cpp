#include "reports/destinations.hpp"

#include <gtest/gtest.h>

#include "policy/testing/zone.hpp"

namespace postrider::reports {
namespace {

std::vector<std::string> names(const std::vector<ReportUri>& uris) {
  std::vector<std::string> out;
  for (const ReportUri& uri : uris)
    out.push_back(uri.address.to_string() + (uri.most ? '!' + std::to_string(*uri.most) : ""));
  return out;
}

using Names = std::vector<std::string>;

TEST(ReportUris, AreReadFromTheRecord) {
  EXPECT_EQ(
      names(report_uris("v=DMARC1; p=none; rua = mailto:a@x.test!10m , mailto:b%2Bc@Y.test?subject=z,"
                        "https://z.test/, mailto:, MAILTO:a@x.test, mailto:d@z.test!5; rua=mailto:e@x.test",
                        ReportKind::aggregate)),
      (Names{"a@x.test!10485760", "b+c@Y.test", "d@z.test!5"}));
  EXPECT_EQ(names(report_uris("v=DMARC1; rua=mailto:a@x.test!9x,mailto:b@x.test!99999999999999999999t,"
                              "mailto:c@x.test!3k",
                              ReportKind::aggregate)),
            (Names{"a@x.test", "b@x.test", "c@x.test!3072"}));
  std::string many = "v=DMARC1; rua=";
  for (int i = 0; i < 50; ++i) many += "mailto:a" + std::to_string(i) + "@x.test,";
  EXPECT_EQ(report_uris(many, ReportKind::aggregate).size(), kMostUris);
}

struct Destined : ::testing::Test {
  policy::testing::Zone dns;

  void record(const std::string& name, const std::string& text) { dns.texts.emplace(name, text); }
  Destinations of(const std::string& domain, ReportKind kind = ReportKind::aggregate) {
    DestinationCheck check(domain, kind);
    policy::Lookups lookups;
    while (!check.go_on(lookups)) {
      const auto wanted = lookups.take_wanted();
      if (wanted.empty()) {
        ADD_FAILURE() << "it waits for nothing";
        break;
      }
      for (const policy::Question& question : wanted) lookups.answer(question, dns.answer(question));
    }
    return check.found();
  }
};

TEST_F(Destined, InsideOfTheOrganizationNeedNoConsent) {
  record("_dmarc.example.test", "v=DMARC1; p=none; rua=mailto:r@example.test,mailto:s@reports.example.test");
  EXPECT_EQ(names(of("example.test").uris), (Names{"r@example.test", "s@reports.example.test"}));
}

// RFC 9990 4, with its example.
TEST_F(Destined, OutsideMustAgree) {
  record("_dmarc.blue.example.com", "v=DMARC1; p=none; psd=n; rua=mailto:reports@red.example.net");
  record("_dmarc.example.net", "v=DMARC1; p=none");
  auto found = of("blue.example.com");
  EXPECT_TRUE(found.uris.empty());
  EXPECT_EQ(found.refused, Names{"reports@red.example.net: "
                                 "blue.example.com._report._dmarc.red.example.net: nxdomain"});
  record("blue.example.com._report._dmarc.red.example.net", "spf2.0/pra");
  found = of("blue.example.com");
  EXPECT_TRUE(found.uris.empty());
  EXPECT_EQ(found.refused.size(), 1u);
  record("blue.example.com._report._dmarc.red.example.net", "v=DMARC1;");
  found = of("blue.example.com");
  EXPECT_EQ(names(found.uris), Names{"reports@red.example.net"});
  EXPECT_TRUE(found.refused.empty());
}

TEST_F(Destined, OutsideMayNameAnotherAddressOfTheirs) {
  record("_dmarc.a.test", "v=DMARC1; p=none; rua=mailto:r@third.test!1m");
  record("a.test._report._dmarc.third.test", "v=DMARC1; rua=mailto:other@third.test");
  EXPECT_EQ(names(of("a.test").uris), Names{"other@third.test"});
}

TEST_F(Destined, OutsideMayNotSendThemOn) {
  record("_dmarc.a.test", "v=DMARC1; p=none; rua=mailto:r@third.test");
  record("a.test._report._dmarc.third.test", "v=DMARC1; rua=mailto:victim@fourth.test");
  const auto found = of("a.test");
  EXPECT_TRUE(found.uris.empty());
  EXPECT_EQ(found.refused.size(), 1u);
}

// RFC 9991 2, 5
TEST_F(Destined, OfFailureReportsAreThoseOfRuf) {
  record("_dmarc.a.test", "v=DMARC1; p=none; rua=mailto:r@a.test; ruf=mailto:f@a.test,mailto:g@third.test");
  auto found = of("a.test", ReportKind::failure);
  EXPECT_EQ(names(found.uris), Names{"f@a.test"});
  EXPECT_EQ(found.refused, Names{"g@third.test: a.test._report._dmarc.third.test: nxdomain"});
  record("a.test._report._dmarc.third.test",
         "v=DMARC1; rua=mailto:r@third.test; ruf=mailto:other@third.test");
  EXPECT_EQ(names(of("a.test", ReportKind::failure).uris), (Names{"f@a.test", "other@third.test"}));
  EXPECT_EQ(names(of("a.test").uris), Names{"r@a.test"});
  record("_dmarc.suffix.test", "v=DMARC1; p=none; psd=y; rua=mailto:r@suffix.test; ruf=mailto:f@suffix.test");
  EXPECT_TRUE(of("suffix.test", ReportKind::failure).uris.empty());
  EXPECT_EQ(names(of("suffix.test").uris), Names{"r@suffix.test"});
}

TEST_F(Destined, AreNotKnownWhileTheDnsFails) {
  record("_dmarc.a.test", "v=DMARC1; p=none; rua=mailto:r@third.test");
  dns.silent.insert("a.test._report._dmarc.third.test");
  EXPECT_EQ(of("a.test").trouble, "a.test._report._dmarc.third.test: timeout");
  dns.silent.insert("_dmarc.b.test");
  EXPECT_FALSE(of("b.test").trouble.empty());
}

TEST_F(Destined, AreNoneWithoutARecordOrWithSeveral) {
  EXPECT_TRUE(of("none.test").uris.empty());
  EXPECT_TRUE(of("none.test").trouble.empty());
  record("_dmarc.two.test", "v=DMARC1; p=none; rua=mailto:r@two.test");
  record("_dmarc.two.test", "v=DMARC1; p=reject; rua=mailto:s@two.test");
  EXPECT_TRUE(of("two.test").uris.empty());
}

}  // namespace
}  // namespace postrider::reports
