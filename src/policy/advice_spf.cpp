#include <utility>

#include "base/ascii.hpp"
#include "policy/advice.hpp"

namespace postrider::policy {
namespace {

std::string mechanism_for(const base::IpAddress& client) {
  return (client.is_v4() ? "ip4:" : "ip6:") + client.to_string();
}

// Whose record it is, where that is not the one that was asked for.
std::string owner(const SpfFinding& finding) {
  if (base::iequals(finding.faulty, finding.domain)) return "";
  return " (" + finding.domain + " leads there: tell its owner, or leave it out)";
}

std::string mend(std::string_view about, const SpfFinding& finding, const base::IpAddress& client) {
  const std::string& where = finding.faulty;
  switch (finding.fault) {
    case SpfFault::no_record:
      if (finding.result == SpfResult::none && about == "HELO")
        return "Publish a TXT record at " + where +
               ", the name that the server says in HELO: \"v=spf1 a -all\".";
      if (finding.result == SpfResult::none)
        return "Publish a TXT record at " + where +
               " that names all servers that send for it, this one among them: \"v=spf1 " +
               mechanism_for(client) + " -all\".";
      return "The record of " + finding.domain + " leads to " + where +
             ", which has no SPF record: publish one there, or take the include or redirect out.";
    case SpfFault::several_records:
      return "Merge the SPF records of " + where + " into one: of several none counts" + owner(finding) + ".";
    case SpfFault::too_long:
    case SpfFault::syntax:
      return "Correct the SPF record of " + where + owner(finding) + ": " + finding.reason + ".";
    case SpfFault::bad_target:
      return "Correct the include or redirect in the SPF record of " + where + owner(finding) +
             ": it leads to no domain.";
    case SpfFault::too_many_terms:
      return "Shorten the SPF record of " + finding.domain +
             ": at most 10 of its terms, those of all that it includes among them, may ask the DNS (include, "
             "a, mx, ptr, "
             "exists, redirect). Write ip4 and ip6 instead, and leave out what no longer sends.";
    case SpfFault::too_many_voids:
      return "Take out of the SPF record of " + finding.domain +
             " (and what it includes) the terms whose names the DNS does not have: more than 2 are an error.";
    case SpfFault::too_many_exchanges:
      return "The SPF record of " + where + owner(finding) +
             " has mx of a domain with more than 10 mail exchanges: write ip4 and ip6 instead.";
    case SpfFault::not_a_domain:
    case SpfFault::dns:
    case SpfFault::none:
      break;
  }
  return "";
}

// The record says that this client is not among its servers, or does not say that it is.
Advice not_listed(std::string_view about, const base::IpAddress& client, const SpfFinding& finding) {
  const std::string record = "the SPF record of " + finding.domain;
  std::string text = "If " + client.to_string() + " sends for " + finding.domain + ", add \"" +
                     mechanism_for(client) + "\" (or the include that its provider names) to " + record;
  if (!finding.mechanism.empty()) text += ", before \"" + finding.mechanism + '"';
  text += ". If it forwarded the message, SPF can't pass: then only a DKIM signature tells where it is from.";
  return {finding.result != SpfResult::neutral, std::string(about), base::printable(text)};
}

}  // namespace

std::vector<Advice> advise_spf(std::string_view about, const base::IpAddress& client,
                               const SpfFinding& finding) {
  const std::string name(about);
  const auto advice = [&name](bool needed, const std::string& text) {
    return std::vector<Advice>{{needed, name, base::printable(text)}};
  };
  switch (finding.result) {
    case SpfResult::pass:
      return {};
    case SpfResult::fail:
    case SpfResult::softfail:
    case SpfResult::neutral:
      return {not_listed(about, client, finding)};
    case SpfResult::temperror:
      return advice(true, "The DNS did not answer for " + finding.faulty +
                              ". Ask again later; if it stays so, mend that domain's name servers.");
    case SpfResult::none:
    case SpfResult::permerror:
      break;
  }
  if (finding.fault == SpfFault::not_a_domain)
    return advice(false, name == "HELO"
                             ? "Say a full host name in EHLO, one that has an address: \"mail.example.com\"."
                             : "Send with a MAIL FROM in a domain of the DNS, which can have an SPF record.");
  return advice(finding.result == SpfResult::permerror, mend(about, finding, client));
}

}  // namespace postrider::policy
