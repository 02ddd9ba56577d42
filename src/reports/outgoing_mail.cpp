#include "reports/outgoing_mail.hpp"

#include <utility>

#include "policy/inquiry.hpp"

namespace postrider::reports {

Destinations find_destinations(DestinationCheck check, sys::Resolver& resolver, const sys::Clock& clock,
                               base::Milliseconds patience) {
  policy::Inquiry::ask_and_wait(resolver, clock, patience,
                                [&](policy::Lookups& lookups) { return check.go_on(lookups); });
  return check.found();
}

mail::Envelope report_envelope(mail::ReversePath from, const mail::Address& to) {
  mail::Envelope envelope;
  envelope.reverse_path = std::move(from);
  // RFC 3461 4.1
  envelope.recipients.push_back(
      {.original = to, .alias = {}, .final = to, .orcpt = {}, .notify = {.specified = true}, .last = {}});
  return envelope;
}

std::string organization_of(const config::Config& config) {
  const std::string& organization = config.dmarc_reports.organization;
  return organization.empty() ? config.hostname.ascii() : organization;
}

wire::dmarc_report::Letter letter_to(const mail::Address& to, const config::Config& config,
                                     base::MessageId id, base::UtcTime now) {
  return {.submitter = config.hostname.ascii(),
          .from_name = organization_of(config),
          .from = config.dmarc_reports.contact->to_ascii(),
          .to = to.to_ascii(),
          .id = id.to_string(),
          .date = now};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "; ") + line;
  return out;
}

}  // namespace postrider::reports
