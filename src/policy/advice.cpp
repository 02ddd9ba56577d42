#include "policy/advice.hpp"

#include <algorithm>
#include <iterator>

#include "base/ascii.hpp"

namespace postrider::policy {
namespace {

void append(std::vector<Advice>& all, std::vector<Advice> more) {
  std::ranges::move(more, std::back_inserter(all));
}

std::vector<Advice> advise_signatures(const AuthenticationFindings& findings) {
  std::vector<Advice> all;
  for (std::size_t i = 0; i < findings.dkim.size(); ++i)
    append(all, advise_dkim("DKIM " + std::to_string(i + 1), findings.dkim[i]));
  if (findings.dkim.empty())
    all.push_back({true, "DKIM",
                   "Sign the message: without a signature nothing tells where it is from once it is "
                   "forwarded, and large "
                   "receivers refuse it."});
  if (findings.dkim_left_out > 0)
    all.push_back(
        {false, "DKIM",
         "Sign less often: " + std::to_string(findings.dkim_left_out) + " signatures were not looked at."});
  return all;
}

std::vector<Advice> advise_arc(const ArcResult& result) {
  if (result.verdict.status != wire::arc::Status::fail) return {};
  const std::string who = "This is for who passed the message on, not for its sender: ";
  if (result.verdict.temporary)
    return {{false, "ARC", base::printable(who + result.verdict.why + ". Ask again later.")}};
  return {{false, "ARC",
           base::printable(
               who + "seal last of all, after what changes the message, and don't change it any more (" +
               result.verdict.why + ").")}};
}

// One signature of the author's that passes is enough, and SPF can't outlive forwarding.
void soften(std::vector<Advice>& all, std::string_view about) {
  for (Advice& one : all)
    if (one.about.starts_with(about)) one.needed = false;
}

}  // namespace

std::vector<Advice> advise_iprev(const base::IpAddress& client, const IprevFinding& finding) {
  const std::string address = client.to_string();
  const auto advice = [](const std::string& text) {
    return std::vector<Advice>{{true, "iprev", base::printable(text)}};
  };
  switch (finding.result) {
    case IprevResult::pass:
      break;
    case IprevResult::fail:
      return advice(
          "Let the name of " + address + " lead back to it: " + finding.reason + ". Give that name an " +
          (client.is_v4() ? "A" : "AAAA") + " record of " + address +
          ", or have its PTR record (which its provider keeps) name the server. Large receivers refuse mail "
          "from addresses without it.");
    case IprevResult::permerror:
      return advice("Have the provider of " + address +
                    " give it a PTR record with the server's name, and let that name have an " +
                    (client.is_v4() ? "A" : "AAAA") + " record of " + address +
                    ". Large receivers refuse mail from addresses without it.");
    case IprevResult::temperror:
      return advice(
          "The DNS did not tell the name of " + address + " (" + finding.reason +
          "). Ask again later; if it stays so, the name servers of the address or of the name need mending.");
  }
  return {};
}

std::vector<Advice> advise(const AuthenticationFacts& facts, const AuthenticationFindings& findings) {
  std::vector<Advice> all = advise_dmarc(facts, findings);
  append(all, advise_signatures(findings));
  if (facts.checks_mail_from() && !facts.reverse_path.is_null())
    append(all, advise_spf("SPF", facts.client, findings.mail_from));
  if (facts.checks_helo()) {
    // Few judge by it; with the null sender it is all that there is.
    std::vector<Advice> helo = advise_spf("HELO", facts.client, findings.helo);
    if (!facts.reverse_path.is_null()) soften(helo, "HELO");
    append(all, std::move(helo));
  }
  if (facts.checks_iprev()) append(all, advise_iprev(facts.client, findings.iprev));
  append(all, advise_arc(findings.arc));
  if (!findings.dmarc.dkim_aligned.empty()) soften(all, "DKIM");
  if (findings.dmarc.result == DmarcResult::pass) soften(all, "SPF");
  std::vector<Advice> ordered;
  for (const bool needed : {true, false})
    std::ranges::copy_if(all, std::back_inserter(ordered),
                         [needed](const Advice& one) { return one.needed == needed; });
  return ordered;
}

}  // namespace postrider::policy
