#include "policy/authentication_verdict.hpp"

#include <algorithm>
#include <utility>

#include "base/append.hpp"
#include "base/ascii.hpp"
#include "wire/authres/authres.hpp"

namespace postrider::policy {
namespace {

using mail::reply;
using wire::dmarc::Policy;

bool is_within(std::string_view domain, std::string_view parent) {
  return !parent.empty() && domain.ends_with(parent) &&
         (domain.size() == parent.size() || domain[domain.size() - parent.size() - 1] == '.');
}

// By its address, or by a name that is proven to be its own: of its address, or what HELO said and SPF knows.
std::optional<std::string> forwarder(const config::Authentication& settings, const AuthenticationFacts& facts,
                                     const AuthenticationFindings& findings) {
  for (const base::Network& network : settings.forwarder_networks)
    if (network.contains(facts.client)) return network.to_string();
  std::vector<std::string> names = findings.iprev.names;
  if (findings.helo.result == SpfResult::pass) names.push_back(base::lower(findings.helo.domain));
  for (const mail::Domain& domain : settings.forwarder_domains)
    for (const std::string& name : names)
      if (is_within(name, domain.ascii())) return domain.ascii();
  return {};
}

// Whether who sealed it says that it was true when it came to him.
bool vouches(const ArcHop& hop, const DmarcFinding& dmarc) {
  const auto results = wire::authres::parse(hop.results);
  if (!results) return false;
  return std::ranges::any_of(results->results, [&](const wire::authres::MethodResult& one) {
    if (one.result != "pass") return false;
    if (one.method == "dmarc") return true;
    return one.method == "dkim" && std::ranges::any_of(one.properties, [&](const auto& property) {
             return property.type == "header" && property.name == "d" &&
                    base::iequals(property.value, dmarc.author);
           });
  });
}

// The seal that overrides a fail: all who sealed from there on are trusted, since each could have changed what he got. RFC 8617 9.4
std::optional<std::string> trusted_seal(const config::Authentication& settings,
                                        const AuthenticationFindings& findings) {
  // What l= leaves unsigned nobody has sealed. RFC 6376 8.2
  if (!findings.arc.passed() || findings.arc.verdict.unsigned_octets != 0) return {};
  const auto& hops = findings.arc.hops;
  for (std::size_t i = hops.size(); i-- > 0;) {
    const bool trusted = std::ranges::any_of(settings.trusted_arc, [&](const mail::Domain& domain) {
      return is_within(hops[i].domain, domain.ascii());
    });
    if (!trusted) return {};
    if (vouches(hops[i], findings.dmarc))
      return "arc=pass as[" + std::to_string(i + 1) + "].d=" + hops[i].domain;
  }
  return {};
}

// Could be aligned with the author, as far as names tell.
bool is_near(std::string_view domain, const DmarcFinding& dmarc) {
  const std::string& top = dmarc.organization.empty() ? dmarc.policy_domain : dmarc.organization;
  return is_within(domain, top) || is_within(dmarc.author, domain);
}

bool spf_is_undecided(const AuthenticationFindings& findings) {
  return findings.mail_from.result == SpfResult::temperror;
}
bool dkim_is_undecided(const DkimResult& one) { return one.verdict.result == wire::dkim::Result::temperror; }

// What could have proven the author true, had the DNS answered; a stranger's silence counts for nothing. Nothing: nothing.
std::optional<mail::Reply> undecided(const AuthenticationFindings& findings) {
  const DmarcFinding& dmarc = findings.dmarc;
  if (spf_is_undecided(findings) && is_near(findings.mail_from.domain, dmarc))
    return reply(451, 7, 24,
                 "the SPF record of " + findings.mail_from.domain + " can't be read now");  // RFC 7372 3.2
  for (const DkimResult& one : findings.dkim)
    if (dkim_is_undecided(one) && is_near(one.domain, dmarc))
      return reply(451, 7, 5,
                   "the DKIM key " + one.selector + "._domainkey." + one.domain +
                       " can't be read now");  // RFC 6376 6.3
  if (dmarc.result == DmarcResult::temperror)
    return reply(451, 4, 3, "DMARC of " + dmarc.author + " can't be judged now");
  return {};
}

class Judge {
 public:
  Judge(const config::Config& config, const AuthenticationFacts& facts,
        const AuthenticationFindings& findings)
      : settings_(config.authentication), policy_(config.dmarc.policy), facts_(facts), findings_(findings) {}

  AuthenticationVerdict run() && {
    const DmarcFinding& dmarc = findings_.dmarc;
    const bool spf_fails = settings_.refuse_spf_fail && findings_.mail_from.result == SpfResult::fail &&
                           dmarc.result != DmarcResult::pass;
    if (is_exempt(wanted() != Policy::none || spf_fails)) return std::move(verdict_);
    if (auto again = ask_again()) {
      verdict_.refusal = std::move(again);
      return std::move(verdict_);
    }
    if (dmarc.result == DmarcResult::fail && dmarc.policy != dmarc.disposition)
      note(OverrideType::policy_test_mode, "t=y");
    apply();
    if (!verdict_.refusal && spf_fails) refuse_by_spf();
    return std::move(verdict_);
  }

 private:
  // What is to be done with it, but for our settings.
  Policy wanted() const {
    const DmarcFinding& dmarc = findings_.dmarc;
    // RFC 9989 11.5: no owner can be asked, and all of them would be believed.
    if (dmarc.result == DmarcResult::permerror && !findings_.authors.empty()) return Policy::reject;
    return dmarc.disposition;
  }

  bool is_exempt(bool matters) {
    if (auto who = forwarder(settings_, facts_, findings_)) {
      if (matters) note(OverrideType::trusted_forwarder, "listed: " + *who);
      return true;
    }
    if (auto seal = trusted_seal(settings_, findings_)) {
      if (matters) note(OverrideType::local_policy, *seal);  // RFC 8617 7.2.2
      return true;
    }
    return false;
  }

  std::optional<mail::Reply> ask_again() {
    const DmarcFinding& dmarc = findings_.dmarc;
    if (settings_.undecided == config::Undecided::defer) {
      if (dmarc.result == DmarcResult::fail || dmarc.result == DmarcResult::temperror)
        return undecided(findings_);
      return {};
    }
    const bool would_be_refused = dmarc.result == DmarcResult::fail
                                      ? dmarc.disposition == Policy::reject
                                      : dmarc.result == DmarcResult::temperror && dmarc.record &&
                                            dmarc.policy == Policy::reject && !dmarc.record->testing;
    auto why = undecided(findings_);
    if (!why) return {};
    if (would_be_refused && settings_.undecided == config::Undecided::by_policy &&
        policy_ == config::DmarcPolicy::apply)
      return why;
    undecided_ = true;
    return {};
  }

  void apply() {
    using enum config::DmarcPolicy;
    const Policy wants = wanted();
    if (wants == Policy::none) return;
    if (undecided_) return note(OverrideType::local_policy, "not all of it could be looked up");
    if (policy_ == none) return note(OverrideType::local_policy, "the policy is not applied here");
    if (policy_ == quarantine && wants == Policy::reject)
      note(OverrideType::local_policy, "quarantine is the most that is done here");
    verdict_.done = policy_ == quarantine ? Policy::quarantine : wants;
    if (verdict_.done == Policy::reject) verdict_.refusal = refusal();
  }

  mail::Reply refusal() const {
    const DmarcFinding& dmarc = findings_.dmarc;
    if (dmarc.result == DmarcResult::permerror) return reply(550, 7, 1, "not taken: " + dmarc.reason);
    // The domain's name is for who reads the log of a list or forwarder. RFC 9989 5.4
    return reply(550, 7, 1,
                 "DMARC: " + dmarc.author + " does not vouch for this message, and " + dmarc.policy_domain +
                     " wants such mail refused (" + std::string(dmarc.policy_tag) +
                     "=reject): " + dmarc.reason);
  }

  void refuse_by_spf() {
    const SpfFinding& spf = findings_.mail_from;
    std::string text = "SPF: " + spf.reason;
    if (!spf.explanation.empty())
      text += "; " + spf.domain + " explains: " + spf.explanation;  // RFC 7208 8.4
    verdict_.refusal = reply(550, 7, 23, std::move(text));          // RFC 7372 3.2
    if (findings_.dmarc.disposition != Policy::reject)
      note(OverrideType::local_policy, "SPF fail is refused here");
    verdict_.done = Policy::reject;
  }

  void note(OverrideType type, std::string comment) {
    verdict_.overrides.push_back({type, base::printable(comment)});
  }

  const config::Authentication& settings_;
  const config::DmarcPolicy policy_;
  const AuthenticationFacts& facts_;
  const AuthenticationFindings& findings_;
  AuthenticationVerdict verdict_;
  bool undecided_ = false;
};

std::string spf_line(const char* identity, const SpfFinding& finding) {
  std::string line;
  line.reserve(160);
  base::append(line, "spf=", to_string(finding.result), " (", identity, ' ', finding.domain,
               "): ", finding.reason);
  return line;
}

}  // namespace

AuthenticationVerdict judge_authentication(const config::Config& config, const AuthenticationFacts& facts,
                                           const AuthenticationFindings& findings) {
  return Judge(config, facts, findings).run();
}

std::vector<std::string> describe(const AuthenticationFacts& facts, const AuthenticationFindings& findings,
                                  const AuthenticationVerdict& verdict) {
  const auto& dmarc = findings.dmarc;
  std::vector<std::string> lines;
  lines.reserve(findings.dkim.size() + 6);
  std::string line;
  line.reserve(256);
  base::append(line, "dmarc=", to_string(dmarc.result));
  if (!dmarc.author.empty()) base::append(line, " (", dmarc.author, ')');
  base::append(line, ": ", dmarc.reason);
  if (dmarc.record)
    base::append(line, "; ", dmarc.policy_domain, " has ", dmarc.policy_tag, '=', to_string(dmarc.policy));
  if (verdict.done != wire::dmarc::Policy::none) line += ", done: " + std::string(to_string(verdict.done));
  for (const auto& one : verdict.overrides)
    line += ", " + std::string(to_string(one.type)) + ": " + one.comment;
  lines.push_back(std::move(line));
  for (const DkimResult& one : findings.dkim) lines.push_back("dkim=" + describe(one));
  if (findings.dkim.empty()) lines.emplace_back("dkim=none: no signature");
  if (findings.dkim_left_out > 0)
    lines.push_back(std::to_string(findings.dkim_left_out) + " more signatures were not looked at");
  if (!facts.reverse_path.is_null()) lines.push_back(spf_line("MAIL FROM", findings.mail_from));
  lines.push_back(spf_line("HELO", findings.helo));
  const auto& arc = findings.arc.verdict;
  lines.push_back("arc=" + std::string(to_string(arc.status)) + (arc.why.empty() ? "" : ": " + arc.why));
  lines.push_back("iprev=" + std::string(to_string(findings.iprev.result)) + ": " + findings.iprev.reason);
  std::ranges::for_each(lines, base::make_printable);
  return lines;
}

}  // namespace postrider::policy
