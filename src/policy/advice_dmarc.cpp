#include "base/ascii.hpp"
#include "policy/advice.hpp"

namespace postrider::policy {
namespace {

using wire::dmarc::Alignment;
using wire::dmarc::Policy;

bool is_within(std::string_view domain, std::string_view parent) {
  return domain == parent || (domain.size() > parent.size() && domain.ends_with(parent) &&
                              domain[domain.size() - parent.size() - 1] == '.');
}

// As far as it can be told without the DNS: relaxed alignment would take the one for the other.
bool is_near(const DmarcFinding& finding, std::string_view domain) {
  if (domain.empty()) return false;
  if (!finding.organization.empty()) return is_within(domain, finding.organization);
  return is_within(domain, finding.author) || is_within(finding.author, domain);
}

std::string number_of(std::size_t index) { return "DKIM " + std::to_string(index + 1); }

// What would have been enough, but for one thing.
std::string near_misses(const AuthenticationFindings& findings) {
  const DmarcFinding& dmarc = findings.dmarc;
  std::string text;
  for (std::size_t i = 0; i < findings.dkim.size(); ++i) {
    const DkimResult& one = findings.dkim[i];
    if (!is_near(dmarc, one.domain)) continue;
    if (!one.passed())
      text += " The signature of " + one.domain + " (" + number_of(i) + ") would do if it passed.";
    else if (dmarc.record->dkim == Alignment::strict)
      text += " With adkim=s in its record the signature of " + one.domain + " (" + number_of(i) +
              ") is not enough: sign as " + dmarc.author + ", or leave adkim=s out.";
  }
  const SpfFinding& spf = findings.mail_from;
  if (!is_near(dmarc, base::lower(spf.domain))) return text;
  if (spf.result != SpfResult::pass)
    text += " MAIL FROM in " + spf.domain + " would do if SPF passed.";
  else if (dmarc.record->spf == Alignment::strict)
    text += " With aspf=s in its record MAIL FROM in " + spf.domain + " is not enough: send as " +
            dmarc.author + ", or leave aspf=s out.";
  return text;
}

std::string after_a_fail(const AuthenticationFacts& facts, const AuthenticationFindings& findings) {
  const DmarcFinding& dmarc = findings.dmarc;
  std::string text = "Nothing vouches for " + dmarc.author +
                     ", which From names. Sign with a DKIM key of that domain (d=" + dmarc.author +
                     "), which outlives forwarding; or send with MAIL FROM in that domain, from a server "
                     "that its SPF record names.";
  text += near_misses(findings);
  if (!facts.checks_mail_from()) text += " SPF was not checked here: with it, the message may pass.";
  return text + " If " + dmarc.author + " did not send this, all is as it should be.";
}

std::string without_a_record(const DmarcFinding& finding) {
  if (!finding.policy_domain.empty())
    return "Correct the record at _dmarc." + finding.policy_domain +
           ": behind \"v=DMARC1\" it needs p=none, p=quarantine or p=reject.";
  return "Publish a TXT record at _dmarc." + finding.author +
         ", for a start \"v=DMARC1; p=none; rua=mailto:dmarc@" + finding.author +
         "\": receivers then report who sends in its name.";
}

// What could be better in a record that did its work.
std::vector<Advice> about_the_record(const DmarcFinding& finding) {
  std::vector<Advice> all;
  const std::string name = "the record at _dmarc." + finding.policy_domain;
  if (finding.record->broken_policy)
    all.push_back({true, "DMARC",
                   "Correct " + name + ": its p, sp or np is missing or wrong, so it counts as p=none."});
  else if (finding.record->testing)
    all.push_back({false, "DMARC",
                   "Take t=y out of " + name +
                       " when the reports are clean: with it, forgeries are treated more mildly than " +
                       std::string(finding.policy_tag) + '=' + std::string(to_string(finding.policy)) +
                       " says."});
  else if (finding.policy == Policy::none)
    all.push_back({false, "DMARC",
                   "With " + std::string(finding.policy_tag) + "=none, " + name +
                       " lets forgeries pass. When the reports are clean, go on to quarantine or reject."});
  return all;
}

}  // namespace

std::vector<Advice> advise_dmarc(const AuthenticationFacts& facts, const AuthenticationFindings& findings) {
  const DmarcFinding& finding = findings.dmarc;
  std::vector<Advice> all;
  const auto add = [&all](bool needed, const std::string& text) {
    all.push_back({needed, "DMARC", base::printable(text)});
  };
  switch (finding.result) {
    case DmarcResult::pass:
      break;
    case DmarcResult::fail:
      add(true, after_a_fail(facts, findings));
      break;
    case DmarcResult::none:
      add(!finding.policy_domain.empty(), without_a_record(finding));
      break;
    case DmarcResult::permerror:
      add(true, "Write one From field with one address, in a domain of the DNS: " + finding.reason + ".");
      break;
    case DmarcResult::temperror:
      add(true, "The DNS did not answer (" + finding.reason +
                    "). Ask again later; if it stays so, mend that domain's name servers.");
      break;
  }
  if (finding.record)
    for (Advice& one : about_the_record(finding)) all.push_back(std::move(one));
  return all;
}

}  // namespace postrider::policy
