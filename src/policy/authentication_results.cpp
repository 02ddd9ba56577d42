#include "policy/authentication_results.hpp"

#include <algorithm>
#include <utility>

namespace postrider::policy {
namespace {

using wire::authres::MethodResult;

MethodResult spf_result(const SpfFinding& finding, const char* property, std::string value) {
  MethodResult told{.method = "spf", .result = std::string(to_string(finding.result))};
  const bool clear = finding.result == SpfResult::pass || finding.result == SpfResult::none;
  if (!clear) told.reason = finding.reason;
  if (!value.empty()) told.properties.push_back({"smtp", property, std::move(value)});
  return told;
}

}  // namespace

std::vector<MethodResult> spf_results(const AuthenticationFacts& facts,
                                      const AuthenticationFindings& findings) {
  std::vector<MethodResult> results;
  if (!facts.reverse_path.is_null())
    results.push_back(spf_result(findings.mail_from, "mailfrom", facts.reverse_path.address().to_string()));
  results.push_back(spf_result(findings.helo, "helo", facts.helo));
  return results;
}

MethodResult iprev_result(const AuthenticationFacts& facts, const IprevFinding& finding) {
  MethodResult told{.method = "iprev", .result = std::string(to_string(finding.result))};
  if (finding.result == IprevResult::pass)
    told.comment = finding.names.front();
  else
    told.reason = finding.reason;
  told.properties.push_back({"policy", "iprev", facts.client.to_string()});
  return told;
}

MethodResult dmarc_result(const DmarcFinding& finding, wire::dmarc::Policy done) {
  MethodResult told{.method = "dmarc", .result = std::string(to_string(finding.result))};
  if (finding.record)
    told.comment = std::string(finding.policy_tag) + '=' + std::string(to_string(finding.policy)) +
                   " dis=" + std::string(to_string(done));
  if (finding.result != DmarcResult::pass && finding.result != DmarcResult::none)
    told.reason = finding.reason;
  if (!finding.author.empty()) told.properties.push_back({"header", "from", finding.author});
  if (finding.record) told.properties.push_back({"policy", "dmarc", std::string(to_string(finding.policy))});
  return told;
}

wire::authres::AuthenticationResults authentication_results(const AuthenticationFacts& facts,
                                                            const AuthenticationFindings& findings,
                                                            wire::dmarc::Policy done) {
  wire::authres::AuthenticationResults all{.authserv_id = facts.receiver.ascii(), .results = {}};
  all.results.reserve(findings.dkim.size() + 6);
  all.results.push_back(dmarc_result(findings.dmarc, done));
  std::ranges::move(method_results(findings.dkim), std::back_inserter(all.results));
  std::ranges::move(spf_results(facts, findings), std::back_inserter(all.results));
  all.results.push_back(method_result(findings.arc));
  all.results.push_back(iprev_result(facts, findings.iprev));
  return all;
}

}  // namespace postrider::policy
