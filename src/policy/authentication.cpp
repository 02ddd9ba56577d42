#include "policy/authentication.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "wire/mime/addresses.hpp"

namespace postrider::policy {

std::vector<std::string> author_domains(const wire::dkim::HeaderIndex& header) {
  std::vector<std::string> domains;
  for (const auto& field : header.fields()) {
    if (!base::iequals(field.name, "From")) continue;
    for (const auto& group : wire::mime::parse_addresses(field.value).groups) {
      for (const auto& mailbox : group.mailboxes) {
        const std::string address = wire::mime::addr_spec(mailbox);
        const auto at = address.rfind('@');
        if (at == std::string::npos) continue;
        std::string domain = base::lower(std::string_view(address).substr(at + 1));
        if (std::ranges::find(domains, domain) == domains.end()) domains.push_back(std::move(domain));
        // One too many is as bad as a thousand.
        if (domains.size() > DmarcCheck::kMostAuthors) return domains;
      }
    }
  }
  return domains;
}

AuthenticationCheck::AuthenticationCheck(AuthenticationFacts facts, std::string_view header,
                                         wire::dkim::BodyHasher& bodies)
    : AuthenticationCheck(std::move(facts), wire::dkim::HeaderIndex(header), bodies) {}

AuthenticationCheck::AuthenticationCheck(AuthenticationFacts facts, const wire::dkim::HeaderIndex& header,
                                         wire::dkim::BodyHasher& bodies)
    : facts_(std::move(facts)),
      bodies_(bodies),
      dkim_(header, bodies),
      arc_(header, bodies),
      findings_{.authors = author_domains(header),
                .iprev = {},
                .helo = {},
                .mail_from = {},
                .dkim = {},
                .arc = {},
                .dmarc = {}},
      dmarc_(findings_.authors),
      has_iprev_(!facts_.checks_iprev()) {
  if (facts_.checks_mail_from())
    mail_from_ =
        SpfCheck::of_mail_from(facts_.client, facts_.helo, facts_.reverse_path, facts_.receiver, facts_.now);
  if (facts_.checks_helo() && !(facts_.checks_mail_from() && facts_.reverse_path.is_null()))
    helo_ = SpfCheck::of_helo(facts_.client, facts_.helo, facts_.receiver, facts_.now);
  findings_.dkim_left_out = dkim_.left_out();
}

bool AuthenticationCheck::go_on(Lookups& lookups) {
  if (!has_iprev_) {
    if (auto found = check_iprev(facts_.client, lookups)) {
      findings_.iprev = *std::move(found);
      has_iprev_ = true;
    }
  }
  const bool spf = check_spf(lookups);
  const bool dkim = dkim_.go_on(lookups);
  const bool arc = arc_.go_on(lookups);
  if (spf && dkim && arc && body_is_over_ && !has_identifiers_) identify();
  const bool dmarc = dmarc_.go_on(lookups);
  if (!has_iprev_ || !has_identifiers_ || !dmarc) return false;
  findings_.dmarc = dmarc_.finding();
  return true;
}

bool AuthenticationCheck::check_spf(Lookups& lookups) {
  const bool mail_from = !mail_from_ || mail_from_->go_on(lookups);
  const bool helo = !helo_ || helo_->go_on(lookups);
  return mail_from && helo;
}

void AuthenticationCheck::identify() {
  if (mail_from_) findings_.mail_from = mail_from_->finding();
  if (facts_.checks_helo()) findings_.helo = helo_ ? helo_->finding() : findings_.mail_from;
  findings_.dkim = dkim_.results(bodies_, facts_.now);
  findings_.arc = arc_.result(bodies_, facts_.now);
  DmarcIdentifiers identifiers;
  // RFC 9989 3.2.1
  if (findings_.mail_from.result == SpfResult::pass) identifiers.spf = findings_.mail_from.domain;
  for (const DkimResult& one : findings_.dkim)
    if (one.passed()) identifiers.dkim.push_back(one.domain);
  dmarc_.identify(std::move(identifiers));
  has_identifiers_ = true;
}

}  // namespace postrider::policy
