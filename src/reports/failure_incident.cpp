#include "reports/failure_incident.hpp"

#include <algorithm>
#include <vector>

#include "base/ascii.hpp"
#include "policy/authentication_results.hpp"
#include "wire/dmarc_report/report_mail.hpp"
#include "wire/mime/quoted_string.hpp"

namespace postrider::reports {
namespace {

using policy::DkimResult;
using policy::SpfResult;
using wire::dmarc_report::FailureReport;

// A result of the signature itself, and not of a DNS that gave no answer.
bool failed(const DkimResult& one) {
  using wire::dkim::Result;
  return one.verdict.result == Result::fail || one.verdict.result == Result::policy ||
         one.verdict.result == Result::permerror;
}

bool failed(const policy::SpfFinding& spf) {
  return spf.result == SpfResult::fail || spf.result == SpfResult::softfail ||
         spf.result == SpfResult::permerror;
}

bool is_at_or_below(std::string_view domain, std::string_view top) {
  if (base::iequals(domain, top)) return true;
  return domain.size() > top.size() && domain[domain.size() - top.size() - 1] == '.' &&
         base::iequals(domain.substr(domain.size() - top.size()), top);
}

// Whether a pass would have been one of the author's domain. RFC 9989 4.10.2
bool is_aligned(std::string_view domain, wire::dmarc::Alignment alignment,
                const policy::DmarcFinding& dmarc) {
  if (base::iequals(domain, dmarc.author)) return true;
  const std::string& top = dmarc.organization.empty() ? dmarc.policy_domain : dmarc.organization;
  return alignment == wire::dmarc::Alignment::relaxed && is_at_or_below(domain, top);
}

// RFC 6591 3.3
std::string_view auth_failure(Failed kind, const DkimResult* signature) {
  if (kind == Failed::dmarc) return "dmarc";  // RFC 9991 4
  if (kind == Failed::spf) return "spf";
  using wire::dkim::Fault;
  switch (signature->verdict.fault) {
    case Fault::body_changed:
    case Fault::body_short:
      return "bodyhash";
    case Fault::revoked_key:
      return "revoked";
    default:
      return "signature";
  }
}

// RFC 6591 3.2.2
std::string_view delivery_result(const policy::Judged& message) {
  if (message.refused) return "reject";
  return message.disposition == wire::dmarc::Policy::quarantine ? "spam" : "delivered";
}

// Those that failed to give an aligned identity. RFC 9991 4
std::string identity_alignment(const policy::DmarcFinding& dmarc) {
  if (dmarc.dkim_aligned.empty()) return dmarc.spf_aligned.empty() ? "dkim, spf" : "dkim";
  return dmarc.spf_aligned.empty() ? "spf" : "none";
}

// The signature that the report speaks of: an aligned one first; of DMARC only such.
const DkimResult* failed_signature(const policy::Judged& message, Failed kind) {
  if (kind == Failed::spf) return nullptr;
  const policy::DmarcFinding& dmarc = message.findings.dmarc;
  const DkimResult* any = nullptr;
  for (const DkimResult& one : message.findings.dkim) {
    if (!failed(one)) continue;
    if (is_aligned(one.domain, dmarc.record->dkim, dmarc)) return &one;
    if (!any) any = &one;
  }
  return kind == Failed::dkim ? any : nullptr;
}

void add_signature(const DkimResult& signature, FailureReport& report) {
  report.dkim_domain = signature.domain;
  // What i= is without one. RFC 6376 3.5
  report.dkim_identity = signature.identity.empty() ? '@' + signature.domain : signature.identity;
  report.dkim_selector = signature.selector;
}

// RFC 6591 3.2.6: each record that was used.
std::vector<std::string> spf_records(const policy::SpfFinding& spf) {
  constexpr std::size_t kMost = 11;  // a policy has ten terms that lead to another. RFC 7208 4.6.4
  std::vector<std::string> out;
  for (const policy::SpfStep& step : spf.trace) {
    if (step.outcome != "record" || out.size() == kMost) continue;
    out.push_back("txt : " + step.domain + " : " + wire::mime::quoted_string(step.text));
  }
  return out;
}

}  // namespace

std::optional<Failed> reportable(const policy::Judged& message) {
  const policy::DmarcFinding& dmarc = message.findings.dmarc;
  if (!dmarc.record || dmarc.record->ruf.empty() || dmarc.policy_domain.empty()) return {};
  if (dmarc.record->psd == wire::dmarc::Psd::yes) return {};
  const bool fails = dmarc.result == policy::DmarcResult::fail;
  if (!fails && dmarc.result != policy::DmarcResult::pass) return {};
  const wire::dmarc::FailureOptions& options = dmarc.record->failure;
  const auto failure = [&]() -> std::optional<Failed> {
    if (options.all && fails) return Failed::dmarc;
    if (options.any && (dmarc.dkim_aligned.empty() || dmarc.spf_aligned.empty())) return Failed::dmarc;
    if (options.dkim &&
        std::ranges::any_of(message.findings.dkim, [](const auto& one) { return failed(one); }))
      return Failed::dkim;
    if (options.spf && failed(message.findings.mail_from)) return Failed::spf;
    return {};
  }();
  if (!failure || wire::dmarc_report::is_report(message.header)) return {};
  if (message.facts.reverse_path.is_null() && wire::dmarc_report::is_multipart_report(message.header))
    return {};
  return failure;
}

Incident incident_of(const policy::Judged& message, Failed kind) {
  const policy::DmarcFinding& dmarc = message.findings.dmarc;
  const DkimResult* signature = failed_signature(message, kind);
  FailureReport report{
      .type = "auth-failure",
      .user_agent = "Postrider/" POSTRIDER_VERSION,
      .version = 1,
      .arrival = message.facts.now,
      .source = message.facts.client,
      .reporting_mta = message.facts.receiver.ascii(),
      .envelope_id = {},
      .mail_from = '<' + message.facts.reverse_path.to_string() + '>',
      .rcpt_to = {},
      .authentication_results = {wire::authres::write_value(
          policy::authentication_results(message.facts, message.findings, message.disposition))},
      .reported_domains = {base::lower(dmarc.author)},
      .reported_uris = {},
      .auth_failure = std::string(auth_failure(kind, signature)),
      .delivery_result = std::string(delivery_result(message)),
      .identity_alignment = identity_alignment(dmarc),
      .dkim_domain = {},
      .dkim_identity = {},
      .dkim_selector = {},
      .spf_dns = {},
      .header = std::string(message.header.substr(0, wire::dmarc_report::kMostReportedHeader))};
  if (signature) add_signature(*signature, report);
  const policy::SpfFinding& spf = message.findings.mail_from;
  // Of DMARC: "REQUIRED for SPF failure of an aligned identifier". RFC 9991 4
  if (kind == Failed::spf ||
      (kind == Failed::dmarc && failed(spf) && is_aligned(spf.domain, dmarc.record->spf, dmarc)))
    report.spf_dns = spf_records(spf);
  return {.policy_domain = base::lower(dmarc.policy_domain), .report = std::move(report)};
}

}  // namespace postrider::reports
