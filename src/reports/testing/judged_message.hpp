// A message that was judged, to be changed and told of.
#pragma once

#include <string>
#include <vector>

#include "policy/judged.hpp"
#include "reports/testing/house.hpp"

namespace postrider::reports::testing {

// Of mail.a.test, whose DKIM signature passes and is aligned; SPF is neither.
struct JudgedMessage {
  policy::AuthenticationFacts facts{
      .client = *base::IpAddress::parse("192.0.2.1"),
      .helo = "mx.a.test",
      .reverse_path = mail::ReversePath(*mail::Address::parse("joe@Bounce.A.test")),
      .receiver = *mail::Domain::parse("mx.here.test"),
      .now = at(day(0)) + std::chrono::hours(5)};
  policy::AuthenticationFindings findings;
  wire::dmarc::Policy disposition = wire::dmarc::Policy::none;
  bool refused = false;
  std::vector<policy::PolicyOverride> overrides;
  std::vector<std::string> domains = {"here.test"};
  std::string header = "Subject: hello\r\n";

  JudgedMessage() {
    findings.dmarc.result = policy::DmarcResult::pass;
    findings.dmarc.author = "Mail.A.test";
    findings.dmarc.policy_domain = "a.test";
    publish("v=DMARC1; p=reject; sp=quarantine; aspf=s; fo=1:d; rua=mailto:r@a.test");
    findings.dmarc.policy = wire::dmarc::Policy::quarantine;
    findings.dmarc.dkim_aligned = "a.test";
    findings.mail_from.result = policy::SpfResult::softfail;
    findings.mail_from.domain = "bounce.a.test";
    policy::DkimResult bad, good;
    bad.domain = "other.test";
    bad.selector = "x";
    bad.verdict.result = wire::dkim::Result::fail;
    good.domain = "a.test";
    good.selector = "s1";
    good.verdict.result = wire::dkim::Result::pass;
    findings.dkim = {bad, good};
  }
  void publish(std::string_view record) { findings.dmarc.record = wire::dmarc::parse_record(record); }
  policy::Judged judged() const {
    return {.facts = facts,
            .findings = findings,
            .disposition = disposition,
            .refused = refused,
            .overrides = overrides,
            .recipient_domains = domains,
            .header = header};
  }
};

}  // namespace postrider::reports::testing
