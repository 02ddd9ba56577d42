#include "policy/authentication.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "policy/known_clients.hpp"
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
                                         wire::dkim::BodyHasher& bodies, KnownClients* known)
    : AuthenticationCheck(std::move(facts), wire::dkim::HeaderIndex(header), bodies, known) {}

AuthenticationCheck::AuthenticationCheck(AuthenticationFacts facts, const wire::dkim::HeaderIndex& header,
                                         wire::dkim::BodyHasher& bodies, KnownClients* known)
    : facts_(std::move(facts)),
      bodies_(bodies),
      known_(known),
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
  findings_.dkim_left_out = dkim_.left_out();
  if (known_) recall();
  if (!has_spf_ && facts_.checks_mail_from())
    mail_from_ =
        SpfCheck::of_mail_from(facts_.client, facts_.helo, facts_.reverse_path, facts_.receiver, facts_.now);
  if (!has_helo_ && facts_.checks_helo() && !(facts_.checks_mail_from() && facts_.reverse_path.is_null()))
    helo_ = SpfCheck::of_helo(facts_.client, facts_.helo, facts_.receiver, facts_.now);
}

void AuthenticationCheck::recall() {
  auto client = known_->find(facts_);
  if (!client) return;
  good_for_ = std::chrono::floor<std::chrono::seconds>(client->until - facts_.now);
  findings_.iprev = std::move(client->iprev);
  findings_.helo = std::move(client->helo);
  has_iprev_ = has_helo_ = true;
  if (!client->mail_from) return;
  findings_.mail_from = *std::move(client->mail_from);
  has_spf_ = true;
}

bool AuthenticationCheck::go_on(Lookups& lookups) {
  if (!has_iprev_ || !has_spf_) look_at_client(lookups);
  const bool dkim = dkim_.go_on(lookups);
  const bool arc = arc_.go_on(lookups);
  if (has_spf_ && dkim && arc && body_is_over_ && !has_identifiers_) identify();
  const bool dmarc = dmarc_.go_on(lookups);
  if (!has_iprev_ || !has_identifiers_ || !dmarc) return false;
  findings_.dmarc = dmarc_.finding();
  return true;
}

void AuthenticationCheck::look_at_client(Lookups& lookups) {
  lookups.take_ttl();
  if (!has_iprev_) {
    if (auto found = check_iprev(facts_.client, lookups)) {
      findings_.iprev = *std::move(found);
      has_iprev_ = true;
    }
  }
  if (!has_spf_) has_spf_ = check_spf(lookups);
  good_for_ = std::min(good_for_, lookups.take_ttl());
  if (!known_ || !has_iprev_ || !has_spf_) return;
  // That of HELO is kept with the client, whoever sends.
  const bool is_of_helo = facts_.reverse_path.is_null();
  const bool any_sender = !mail_from_->is_personal();
  if ((helo_ && helo_->is_personal()) || (is_of_helo && !any_sender)) return;
  known_->keep(facts_, findings_, {.good_for = good_for_, .any_sender = any_sender});
}

bool AuthenticationCheck::check_spf(Lookups& lookups) {
  const bool mail_from = !mail_from_ || mail_from_->go_on(lookups);
  const bool helo = !helo_ || helo_->go_on(lookups);
  if (!mail_from || !helo) return false;
  if (mail_from_) findings_.mail_from = mail_from_->finding();
  if (helo_)
    findings_.helo = helo_->finding();
  else if (!has_helo_ && facts_.checks_helo())
    findings_.helo = findings_.mail_from;
  return true;
}

void AuthenticationCheck::identify() {
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
