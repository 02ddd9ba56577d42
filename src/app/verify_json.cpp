#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "admin/answer.hpp"
#include "app/verify_report.hpp"

namespace postrider::app {
namespace {

using admin::clean_utf8;
using boost::json::array;
using boost::json::object;

array texts(const std::vector<std::string>& all) {
  array out;
  for (const std::string& one : all) out.emplace_back(clean_utf8(one));
  return out;
}

object spf_json(const policy::SpfFinding& finding) {
  array steps;
  for (const auto& step : finding.trace)
    steps.push_back(object{
        {"depth", step.depth}, {"domain", step.domain}, {"text", step.text}, {"outcome", step.outcome}});
  return {{"result", to_string(finding.result)}, {"domain", finding.domain},
          {"mechanism", finding.mechanism},      {"reason", finding.reason},
          {"explanation", finding.explanation},  {"steps", std::move(steps)}};
}

object dkim_json(const policy::DkimResult& one) {
  return {{"result", to_string(one.verdict.result)},
          {"reason", clean_utf8(one.verdict.why)},
          {"domain", one.domain},
          {"selector", one.selector},
          {"identity", clean_utf8(one.identity)},
          {"algorithm", one.algorithm},
          {"key_bits", one.verdict.key_bits},
          {"key_record", clean_utf8(one.verdict.record)},
          {"testing", one.verdict.testing},
          {"unsigned_octets", one.verdict.unsigned_octets},
          {"appended_octets", one.appended_octets}};
}

object arc_json(const policy::ArcResult& result) {
  array hops;
  for (const auto& hop : result.hops)
    hops.push_back(object{{"domain", hop.domain}, {"results", clean_utf8(hop.results)}});
  return {{"result", to_string(result.verdict.status)},
          {"reason", clean_utf8(result.verdict.why)},
          {"hops", std::move(hops)}};
}

object dmarc_json(const policy::DmarcFinding& finding) {
  array steps;
  for (const auto& step : finding.trace)
    steps.push_back(object{{"name", step.name}, {"outcome", step.outcome}});
  object out{{"result", to_string(finding.result)},
             {"reason", finding.reason},
             {"author", finding.author},
             {"policy_domain", finding.policy_domain},
             {"organization", finding.organization},
             {"disposition", to_string(finding.disposition)},
             {"spf_aligned", finding.spf_aligned},
             {"dkim_aligned", finding.dkim_aligned},
             {"steps", std::move(steps)}};
  if (finding.record) {
    out["policy"] = to_string(finding.policy);
    out["policy_tag"] = finding.policy_tag;
  }
  return out;
}

array dns_json(const std::vector<DnsAnswer>& answers) {
  array all;
  for (const DnsAnswer& one : answers) {
    object out{{"type", one.type},
               {"name", clean_utf8(one.name)},
               {"records", texts(one.records)},
               {"secure", one.secure}};
    if (!one.error.empty()) out["error"] = one.error;
    all.push_back(std::move(out));
  }
  return all;
}

}  // namespace

std::string verify_json(const VerifyReport& report) {
  const auto& facts = report.facts;
  const auto& findings = report.findings;
  object out{{"message", clean_utf8(report.name)}, {"size", report.size}, {"from", texts(findings.authors)}};
  if (!facts.unknown.client) out["client"] = facts.client.to_string();
  if (!facts.unknown.helo) out["helo"] = clean_utf8(facts.helo);
  if (!facts.unknown.reverse_path) out["mail_from"] = clean_utf8(facts.reverse_path.to_string());
  out["notes"] = texts(report.notes);
  // What was not checked is not there.
  if (facts.checks_iprev())
    out["iprev"] = object{{"result", to_string(findings.iprev.result)},
                          {"reason", findings.iprev.reason},
                          {"names", texts(findings.iprev.names)}};
  object spf;
  if (facts.checks_helo()) spf["helo"] = spf_json(findings.helo);
  if (facts.checks_mail_from()) spf["mail_from"] = spf_json(findings.mail_from);
  out["spf"] = std::move(spf);
  array dkim;
  for (const auto& one : findings.dkim) dkim.push_back(dkim_json(one));
  out["dkim"] = std::move(dkim);
  out["arc"] = arc_json(findings.arc);
  out["dmarc"] = dmarc_json(findings.dmarc);
  out["dns"] = dns_json(report.dns);
  array advice;
  for (const auto& one : report.advice)
    advice.push_back(object{{"about", one.about}, {"needed", one.needed}, {"text", one.text}});
  out["advice"] = std::move(advice);
  return boost::json::serialize(out);
}

}  // namespace postrider::app
