#include "policy/signing.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"
#include "wire/mime/addresses.hpp"

namespace postrider::policy {
namespace {

// Authors' domains that are signed for; DMARC judges no more of them either.
constexpr std::size_t kMostDomains = 4;

// The domains of From, each once. Nothing where there is no From, or more than one: readers show now this one, now that.
std::vector<mail::Domain> author_domains(const wire::dkim::HeaderIndex& header) {
  std::vector<mail::Domain> domains;
  if (header.count("From") != 1) return domains;
  const auto& fields = header.fields();
  const auto from =
      std::ranges::find_if(fields, [](const auto& field) { return base::iequals(field.name, "From"); });
  for (const auto& group : wire::mime::parse_addresses(from->value).groups) {
    for (const auto& mailbox : group.mailboxes) {
      const auto address = mail::Address::parse(wire::mime::addr_spec(mailbox));
      const auto* domain = address ? address->domain() : nullptr;
      if (domain && std::ranges::find(domains, *domain) == domains.end()) domains.push_back(*domain);
    }
  }
  return domains;
}

// It is counted from when the mail may leave. RFC 4865
std::optional<std::chrono::seconds> good_for(const config::Dkim& dkim, const mail::Envelope& envelope) {
  if (dkim.expire == base::Milliseconds(0)) return {};
  const auto held = std::max(envelope.hold_until.value_or(envelope.received), envelope.received);
  return std::chrono::ceil<std::chrono::seconds>(held - envelope.received + dkim.expire);
}

// Those that sign for one of the domains, each once.
SigningKeys::Keys chosen(const config::Config& config, const SigningKeys& keys,
                         const std::vector<mail::Domain>& domains) {
  SigningKeys::Keys all;
  std::vector<const SigningKeys::Keys*> taken;
  for (const auto& domain : domains) {
    if (taken.size() == kMostDomains ||
        std::ranges::find(config.dkim.except, domain) != config.dkim.except.end())
      continue;
    const auto* found = keys.of(domain);
    if (!found || std::ranges::find(taken, found) != taken.end()) continue;
    taken.push_back(found);
    all.insert(all.end(), found->begin(), found->end());
  }
  return all;
}

std::string told(const SigningKeys::Keys& keys) {
  std::string words;
  const mail::Domain* last = nullptr;
  for (const auto& key : keys) {
    const bool same = last && *last == key.domain;
    words += same ? ", " : (last ? "; signed for " : "signed for ") + key.domain.ascii() + " with ";
    words += "s=" + key.selector;
    last = &key.domain;
  }
  return words;
}

}  // namespace

bool is_our_mail(const config::Config& config, const mail::Origin& origin) {
  if (origin.protocol.contains("LMTP")) return false;
  if (!origin.identity.empty() || origin.uid) return true;
  if (!origin.client) return true;
  return std::ranges::any_of(config.networks,
                             [&](const base::Network& network) { return network.contains(*origin.client); });
}

SignedMail sign_mail(const config::Config& config, const SigningKeys& keys, const mail::Envelope& envelope,
                     std::string_view header, const wire::dkim::Digest& body_hash) {
  const wire::dkim::HeaderIndex index(header);
  const auto domains = author_domains(index);
  if (domains.empty())
    return {
        SignedMail::Result::no_author, {}, "not signed: it has not one From with the domain of an author"};
  const auto by = chosen(config, keys, domains);
  if (by.empty())
    return {SignedMail::Result::no_key, {}, "not signed: " + domains.front().ascii() + " has no key here"};
  return {SignedMail::Result::made,
          wire::dkim::sign(index, body_hash, by,
                           {.now = envelope.received,
                            .good_for = good_for(config.dkim, envelope),
                            .also = config.dkim.headers}),
          told(by)};
}

}  // namespace postrider::policy
