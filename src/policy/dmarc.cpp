#include "policy/dmarc.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/ascii.hpp"
#include "mail/domain.hpp"
#include "policy/dmarc_walk.hpp"
#include "sys/dns_rdata.hpp"

namespace postrider::policy {
namespace {

namespace dmarc = wire::dmarc;

std::string normal(std::string_view domain) {
  if (!base::is_ascii(domain)) {
    const auto parsed = mail::Domain::parse(domain);
    return parsed ? parsed->ascii() : std::string();
  }
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return sys::dns::is_name(domain) ? base::lower(domain) : std::string();
}

void add_once(std::vector<std::string>& domains, std::string domain, std::size_t most) {
  if (domain.empty() || domains.size() == most || std::ranges::find(domains, domain) != domains.end()) return;
  domains.push_back(std::move(domain));
}

bool is_within(std::string_view domain, std::string_view parent) {
  return domain == parent || (domain.ends_with(parent) && domain[domain.size() - parent.size() - 1] == '.');
}

dmarc::Policy milder(dmarc::Policy policy) {
  return policy == dmarc::Policy::reject ? dmarc::Policy::quarantine : dmarc::Policy::none;
}

// The larger, the worse.
std::pair<int, dmarc::Policy> badness(const DmarcFinding& finding) {
  constexpr std::array<int, 5> kOrder = {1, 0, 4, 3, 2};  // none, pass, fail, temperror, permerror
  return {kOrder.at(static_cast<std::size_t>(finding.result)), finding.disposition};
}

}  // namespace

// Of one author.
class DmarcCheck::Judge {
 public:
  explicit Judge(std::string author) { finding_.author = std::move(author); }

  // False: more answers, or the identifiers, are needed.
  bool go_on(Lookups& lookups, const std::optional<DmarcIdentifiers>& identifiers) {
    if (done_) return true;
    if (!has_record_) has_record_ = find_record(lookups);
    if (!has_record_) return false;
    if (finding_.record && finding_.record->applies()) {
      if (!identifiers || !judge(*identifiers, lookups)) return false;
    } else if (finding_.record) {
      finding_.record.reset();
      end(DmarcResult::none,
          "the record of " + finding_.policy_domain + " has no valid policy and nobody to tell");
    }
    trace(lookups);
    return done_ = true;
  }
  // Complete when go_on() has said true.
  DmarcFinding& finding() { return finding_; }

 private:
  // RFC 9989 4.10.1. False: not yet.
  bool find_record(Lookups& lookups) {
    using State = DmarcRecordAt::State;
    DmarcRecordAt own = dmarc_record_at(finding_.author, lookups);
    if (own.state == State::pending) return false;
    look_at(finding_.author, own.outcome);
    author_may_be_missing_ = own.nxdomain;
    if (own.state == State::trouble) {
      end(DmarcResult::temperror, dmarc_name(finding_.author) + ": " + own.outcome);
      return true;
    }
    if (own.state == State::found) {
      finding_.record = std::move(own.record);
      finding_.policy_domain = finding_.author;
      return true;
    }
    DmarcWalk walk = walk_from(finding_.author, lookups);
    if (walk.pending) return false;
    if (!walk.trouble.empty()) {
      end(DmarcResult::temperror, walk.trouble);
    } else if (!walk.record) {
      end(DmarcResult::none, finding_.author + " has no DMARC record, nor has a domain above it");
    } else {
      finding_.record = std::move(walk.record);
      finding_.policy_domain = std::move(walk.record_domain);
      finding_.organization = std::move(walk.organization);
    }
    return true;
  }

  bool judge(const DmarcIdentifiers& identifiers, Lookups& lookups) {
    trouble_.clear();
    std::vector<std::string> spf, dkim;
    if (identifiers.spf) add_once(spf, normal(*identifiers.spf), 1);
    for (const std::string& domain : identifiers.dkim)
      add_once(dkim, normal(domain), DmarcCheck::kMostIdentifiers);
    const bool known_spf = align(spf, finding_.record->spf, finding_.spf_aligned, lookups);
    const bool known_dkim = align(dkim, finding_.record->dkim, finding_.dkim_aligned, lookups);
    const bool known_policy = choose_policy(lookups);
    if (!known_spf || !known_dkim || !known_policy) return false;
    if (!finding_.spf_aligned.empty() || !finding_.dkim_aligned.empty()) {
      end(DmarcResult::pass, passed());
    } else if (!trouble_.empty()) {
      end(DmarcResult::temperror, trouble_);
    } else {
      end(DmarcResult::fail, failed(spf, dkim));
      finding_.disposition = finding_.record->testing ? milder(finding_.policy) : finding_.policy;
    }
    return true;
  }

  // The first identifier that is aligned. False: not yet. RFC 9989 4.10.2
  bool align(const std::vector<std::string>& identifiers, dmarc::Alignment mode, std::string& aligned,
             Lookups& lookups) {
    if (std::ranges::find(identifiers, finding_.author) != identifiers.end()) {
      aligned = finding_.author;
      return true;
    }
    if (mode == dmarc::Alignment::strict) return true;
    // Without a top-level domain in common nothing else is.
    const std::string_view top = top_label(finding_.author);
    const auto near = [&](const std::string& domain) { return top_label(domain) == top; };
    if (std::ranges::none_of(identifiers, near)) return true;
    if (!find_organization(lookups)) return false;
    if (finding_.organization.empty()) return true;
    bool known = true;
    for (const std::string& identifier : identifiers) {
      if (!is_within(identifier, finding_.organization)) continue;
      const DmarcWalk walk = walk_from(identifier, lookups);
      known = known && !walk.pending;
      if (walk.pending) continue;
      if (!walk.trouble.empty())
        trouble_ = walk.trouble;
      else if (aligned.empty() && walk.organization == finding_.organization)
        aligned = identifier;
    }
    return known;
  }

  bool find_organization(Lookups& lookups) {
    if (!finding_.organization.empty() || !trouble_.empty()) return true;
    DmarcWalk walk = walk_from(finding_.author, lookups);
    trouble_ = std::move(walk.trouble);
    if (trouble_.empty()) finding_.organization = std::move(walk.organization);
    return !walk.pending;
  }

  // RFC 9989 4.10.1: of the domain itself p, of one below it sp or, where that does not exist, np.
  bool choose_policy(Lookups& lookups) {
    const dmarc::Record& record = *finding_.record;
    const auto choose = [this](dmarc::Policy policy, std::string_view tag) {
      finding_.policy = policy;
      finding_.policy_tag = tag;
    };
    choose(record.policy, "p");
    if (finding_.policy_domain == finding_.author) return true;
    if (record.subdomain) choose(*record.subdomain, "sp");
    // What has something below it exists. RFC 8020 2
    if (!record.missing || !author_may_be_missing_) return true;
    const AddressAnswer* answer = lookups.a(finding_.author);
    if (!answer) return false;
    const bool missing = !*answer && answer->error().error == sys::dns::Error::nxdomain;
    if (missing) choose(*record.missing, "np");
    if (!*answer && !is_void(*answer))
      trouble_ = finding_.author + ": " + std::string(to_string(answer->error().error));
    return true;
  }

  static std::string_view top_label(std::string_view domain) {
    return domain.substr(domain.rfind('.') + 1);  // npos + 1 is 0
  }

  DmarcWalk walk_from(const std::string& domain, Lookups& lookups) {
    for (const std::string& target : dmarc_targets(domain)) look_at(target);
    return dmarc_walk(domain, lookups);
  }

  std::string passed() const {
    const bool spf = !finding_.spf_aligned.empty(), dkim = !finding_.dkim_aligned.empty();
    return (dkim ? "DKIM of " + finding_.dkim_aligned : "") + (spf && dkim ? " and " : "") +
           (spf ? "SPF of " + finding_.spf_aligned : "") + (spf && dkim ? " are" : " is") + " aligned with " +
           finding_.author;
  }

  std::string failed(const std::vector<std::string>& spf, const std::vector<std::string>& dkim) const {
    if (spf.empty() && dkim.empty()) return "neither SPF nor DKIM passes for any domain";
    std::string others;
    for (const auto* domains : {&spf, &dkim})
      for (const std::string& domain : *domains) others += (others.empty() ? "" : ", ") + domain;
    return "what passes is not aligned with " + finding_.author + ": " + others;
  }

  // `outcome`: what stands there, where it is known already.
  void look_at(const std::string& domain, std::string outcome = {}) {
    if (std::ranges::find(looked_at_, domain, &LookedAt::domain) == looked_at_.end())
      looked_at_.push_back({domain, std::move(outcome)});
  }

  void trace(Lookups& lookups) {
    for (auto& [domain, outcome] : looked_at_) {
      if (outcome.empty()) outcome = dmarc_record_at(domain, lookups).outcome;
      if (!outcome.empty())
        finding_.trace.push_back({base::printable(dmarc_name(domain)), std::move(outcome)});
    }
  }

  void end(DmarcResult result, const std::string& reason) {
    finding_.result = result;
    finding_.reason = base::printable(reason);
  }

  struct LookedAt {
    std::string domain, outcome;
  };
  DmarcFinding finding_;
  std::vector<LookedAt> looked_at_;
  std::string trouble_;  // of judge()
  bool has_record_ = false, author_may_be_missing_ = false, done_ = false;
};

std::string_view to_string(DmarcResult result) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "pass", "fail", "temperror", "permerror"};
  return kNames.at(static_cast<std::size_t>(result));
}

DmarcCheck::DmarcCheck(const std::vector<std::string>& authors) {
  bool malformed = false;
  std::vector<std::string> domains;
  for (const std::string& author : authors) {
    std::string domain = normal(author);
    malformed = malformed || domain.empty();
    add_once(domains, std::move(domain), kMostAuthors + 1);
  }
  done_ = malformed || domains.empty() || domains.size() > kMostAuthors;
  if (!done_) {
    for (std::string& domain : domains) judges_.push_back(std::make_unique<Judge>(std::move(domain)));
    return;
  }
  finding_.result = DmarcResult::permerror;
  finding_.reason = malformed         ? "From has a domain that can't be one"
                    : domains.empty() ? "From has no domain"
                                      : "From has more than 4 domains";
}

DmarcCheck::~DmarcCheck() = default;

void DmarcCheck::identify(DmarcIdentifiers identifiers) { identifiers_ = std::move(identifiers); }

bool DmarcCheck::go_on(Lookups& lookups) {
  if (done_) return true;
  done_ = true;
  for (const auto& judge : judges_) done_ = judge->go_on(lookups, identifiers_) && done_;
  if (!done_) return false;
  const auto worst =
      std::ranges::max_element(judges_, {}, [](const auto& one) { return badness(one->finding()); });
  finding_ = std::move((*worst)->finding());
  return true;
}

}  // namespace postrider::policy
