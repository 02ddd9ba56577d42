#include "reports/failure_incident.hpp"

#include <gtest/gtest.h>

#include "reports/testing/judged_message.hpp"

namespace postrider::reports {
namespace {

using wire::dkim::Fault;
using wire::dkim::Result;
using wire::dmarc_report::FailureReport;

// In the name of mail.a.test, which has neither signed nor sent it.
struct Forged : testing::JudgedMessage {
  explicit Forged(const std::string& fo = "0") {
    publish("v=DMARC1; p=reject; ruf=mailto:f@a.test; fo=" + fo);
    findings.dmarc.result = policy::DmarcResult::fail;
    findings.dmarc.dkim_aligned.clear();
    findings.dkim.clear();
    findings.mail_from.result = policy::SpfResult::fail;
    findings.mail_from.trace = {
        {.depth = 0, .domain = "bounce.a.test", .text = "v=spf1 exp=\"x\" -all", .outcome = "record"},
        {.depth = 0, .domain = "bounce.a.test", .text = "-all", .outcome = "match"}};
  }
  std::optional<Failed> failed() const { return reportable(judged()); }
  FailureReport report() const { return incident_of(judged(), *failed()).report; }
  policy::DkimResult& sign(std::string domain, Result result, Fault fault = Fault::none) {
    policy::DkimResult one;
    one.domain = std::move(domain);
    one.selector = "s1";
    one.verdict.result = result;
    one.verdict.fault = fault;
    findings.dkim.push_back(one);
    return findings.dkim.back();
  }
};

// RFC 9991 4, RFC 6591 3.1
TEST(FailureIncident, HasTheFieldsOfTheRfcs) {
  Forged message;
  message.disposition = wire::dmarc::Policy::reject;
  message.refused = true;
  message.sign("a.test", Result::fail, Fault::body_changed).identity = "joe@a.test";
  ASSERT_EQ(message.failed(), Failed::dmarc);
  const Incident incident = incident_of(message.judged(), Failed::dmarc);
  EXPECT_EQ(incident.policy_domain, "a.test");
  const FailureReport& report = incident.report;
  EXPECT_EQ(report.type, "auth-failure");
  EXPECT_EQ(report.auth_failure, "dmarc");
  EXPECT_EQ(report.identity_alignment, "dkim, spf");
  EXPECT_EQ(report.delivery_result, "reject");
  EXPECT_EQ(report.reported_domains, std::vector<std::string>{"mail.a.test"});
  EXPECT_EQ(report.source, message.facts.client);
  EXPECT_EQ(report.arrival, message.facts.now);
  EXPECT_EQ(report.reporting_mta, "mx.here.test");
  EXPECT_EQ(report.mail_from, "<joe@Bounce.A.test>");
  EXPECT_EQ(report.rcpt_to, "");
  ASSERT_EQ(report.authentication_results.size(), 1u);
  EXPECT_TRUE(report.authentication_results[0].starts_with("mx.here.test;\r\n\tdmarc=fail (="))
      << report.authentication_results[0];
  EXPECT_EQ(report.dkim_domain, "a.test");
  EXPECT_EQ(report.dkim_identity, "joe@a.test");
  EXPECT_EQ(report.dkim_selector, "s1");
  EXPECT_EQ(report.spf_dns, std::vector<std::string>{"txt : bounce.a.test : \"v=spf1 exp=\\\"x\\\" -all\""});
  EXPECT_EQ(report.header, message.header);
}

TEST(FailureIncident, SaysWhatBecameOfTheMessage) {
  Forged message;
  EXPECT_EQ(message.report().delivery_result, "delivered");
  message.disposition = wire::dmarc::Policy::quarantine;
  EXPECT_EQ(message.report().delivery_result, "spam");
  message.disposition = wire::dmarc::Policy::none;
  message.refused = true;  // for SPF
  EXPECT_EQ(message.report().delivery_result, "reject");
}

// RFC 9989 4.7
TEST(FailureIncident, IsOneWhereFoAsksForIt) {
  const auto aligned_by_dkim = [](const std::string& fo) {
    Forged message(fo);
    message.findings.dmarc.result = policy::DmarcResult::pass;
    message.findings.dmarc.dkim_aligned = "a.test";
    message.sign("a.test", Result::pass);
    return message;
  };
  EXPECT_EQ(Forged("0").failed(), Failed::dmarc);
  EXPECT_EQ(Forged("1").failed(), Failed::dmarc);
  EXPECT_EQ(aligned_by_dkim("0").failed(), std::nullopt);
  EXPECT_EQ(aligned_by_dkim("1").failed(), Failed::dmarc);
  EXPECT_EQ(aligned_by_dkim("1").report().identity_alignment, "spf");
  EXPECT_EQ(aligned_by_dkim("d").failed(), std::nullopt);
  EXPECT_EQ(aligned_by_dkim("s").failed(), Failed::spf);
  EXPECT_EQ(aligned_by_dkim("s").report().auth_failure, "spf");
  EXPECT_EQ(aligned_by_dkim("s").report().spf_dns.size(), 1u);
  EXPECT_EQ(aligned_by_dkim("s").report().dkim_domain, "");
  // DMARC fails, and only failures of the mechanisms are asked for.
  EXPECT_EQ(Forged("d").failed(), std::nullopt);
  EXPECT_EQ(Forged("d:s").failed(), Failed::spf);
  Forged softly("s");
  softly.findings.mail_from.result = policy::SpfResult::temperror;
  EXPECT_EQ(softly.failed(), std::nullopt);
}

TEST(FailureIncident, OfASignatureSaysWhichAndHowItFailed) {
  Forged message("d");
  message.findings.dmarc.result = policy::DmarcResult::pass;
  message.sign("other.test", Result::fail, Fault::header_changed);
  ASSERT_EQ(message.failed(), Failed::dkim);
  EXPECT_EQ(message.report().auth_failure, "signature");
  EXPECT_EQ(message.report().dkim_domain, "other.test");
  EXPECT_EQ(message.report().dkim_identity, "@other.test");
  EXPECT_TRUE(message.report().spf_dns.empty());
  message.sign("mail.A.test", Result::permerror, Fault::revoked_key);
  EXPECT_EQ(message.report().dkim_domain, "mail.A.test");
  EXPECT_EQ(message.report().auth_failure, "revoked");
  message.findings.dkim.clear();
  message.sign("a.test", Result::fail, Fault::body_changed);
  EXPECT_EQ(message.report().auth_failure, "bodyhash");
  message.findings.dkim[0].verdict.result = Result::temperror;
  EXPECT_EQ(message.failed(), std::nullopt);
}

// RFC 9991 4: the fields of DKIM and SPF are of aligned identifiers.
TEST(FailureIncident, OfDmarcSpeaksOfAlignedIdentifiersOnly) {
  Forged message;
  message.findings.mail_from.domain = "evil.test";
  message.sign("evil.test", Result::fail);
  EXPECT_EQ(message.report().dkim_domain, "");
  EXPECT_TRUE(message.report().spf_dns.empty());
  message.publish("v=DMARC1; p=none; adkim=s; ruf=mailto:f@a.test");
  message.sign("a.test", Result::fail);
  EXPECT_EQ(message.report().dkim_domain, "");
  message.sign("mail.a.test", Result::fail);
  EXPECT_EQ(message.report().dkim_domain, "mail.a.test");
}

TEST(FailureIncident, IsNoneWhereNobodyAsks) {
  Forged without_ruf;
  without_ruf.publish("v=DMARC1; p=reject; rua=mailto:r@a.test");
  EXPECT_FALSE(without_ruf.failed());
  Forged suffix;
  suffix.publish("v=DMARC1; p=reject; psd=y; ruf=mailto:r@a.test");
  EXPECT_FALSE(suffix.failed());
  Forged undecided;
  undecided.findings.dmarc.result = policy::DmarcResult::temperror;
  EXPECT_FALSE(undecided.failed());
}

TEST(FailureIncident, IsNoneOfReports) {
  Forged message;
  message.header = "Subject: Report Domain: here.test Submitter: a.test\r\n";
  EXPECT_FALSE(message.failed());
  message.header = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n";
  EXPECT_FALSE(message.failed());
  message.header = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n";
  EXPECT_TRUE(message.failed());
  message.facts.reverse_path = {};
  EXPECT_FALSE(message.failed());
}

TEST(FailureIncident, TakesNoMoreOfTheHeaderThanIsSent) {
  Forged message;
  message.header = "X: " + std::string(1u << 20, 'x') + "\r\n";
  EXPECT_EQ(message.report().header.size(), wire::dmarc_report::kMostReportedHeader);
}

}  // namespace
}  // namespace postrider::reports
