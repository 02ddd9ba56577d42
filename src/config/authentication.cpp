// [authentication]: checking who sent the mail that strangers bring. [dmarc]: what becomes of what fails, and
// reports.
#include <algorithm>

#include "config/sections.hpp"

namespace postrider::config {
namespace {

Parsed<mail::Domain> parse_forwarder(std::string_view text) {
  auto domain = parse_domain(text);
  if (domain) return domain;
  return std::unexpected(Problem{'"' + std::string(text) + "\" is neither a network nor a domain",
                                 "write \"192.0.2.0/24\", \"2001:db8::1\" or \"forwarder.example\""});
}

void read_forwarders(Section& section, Authentication& authentication) {
  for (const Text& one : section.texts("forwarders")) {
    if (const auto network = base::Network::parse(one.text))
      authentication.forwarder_networks.push_back(*network);
    else if (auto domain = parse_forwarder(one.text))
      authentication.forwarder_domains.push_back(*std::move(domain));
    else
      section.report().add(one.at, domain.error());
  }
}

void read_reports(Section& section, DmarcReports& reports) {
  section.read("send_reports", reports.send);
  section.read("failure_reports", reports.failure_reports);
  section.read("failure_reports_per_day", reports.failure_reports_per_day);
  section.read("organization", reports.organization, parse_title);
  section.read("contact", reports.contact, parse_address);
  section.read("report_address", reports.report_address, parse_address);
  section.read("keep_reports", reports.keep);
  if ((reports.send || reports.failure_reports) && !section.has("contact"))
    section.report().add(section.at(reports.send ? "send_reports" : "failure_reports"),
                         "reports are sent, and nobody can be asked about them",
                         "add contact = \"dmarc@...\", an address of a domain of yours");
}

}  // namespace

void read_authentication(const Value& root, Config& config, Report& report) {
  Section section(table_of(root, "authentication", report), "authentication.", report);
  Authentication& authentication = config.authentication;
  section.read("check", authentication.check);
  section.read("timeout", authentication.timeout);
  section.read("undecided", authentication.undecided);
  section.read("refuse_spf_fail", authentication.refuse_spf_fail);
  read_forwarders(section, authentication);
  section.read_list("trusted_arc", authentication.trusted_arc, parse_domain);
  Section dmarc(table_of(root, "dmarc", report), "dmarc.", report);
  dmarc.read("policy", config.dmarc.policy);
  read_reports(dmarc, config.dmarc_reports);
}

}  // namespace postrider::config
