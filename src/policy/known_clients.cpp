#include "policy/known_clients.hpp"

#include <functional>
#include <string_view>
#include <utility>

namespace postrider::policy {
namespace {

constexpr std::size_t kLongestHelo = 255;  // a domain's bound. RFC 5321 4.5.3.1.2

std::string domain_of(const mail::ReversePath& sender) { return to_ascii(sender.address().host()); }

SpfFinding without_trace(SpfFinding finding) {
  finding.trace = {};  // its room, too
  return finding;
}

}  // namespace

std::size_t KnownClients::place_of(const base::IpAddress& address) {
  return std::hash<std::string_view>()(address.bytes()) % kClients;
}

std::optional<KnownClients::Client> KnownClients::find(const AuthenticationFacts& facts) const {
  const auto& kept = kept_[place_of(facts.client)];
  if (!kept || kept->address != facts.client || kept->helo != facts.helo ||
      kept->receiver != facts.receiver.ascii() || facts.now < kept->since || facts.now >= kept->client.until)
    return {};
  std::optional<Client> client = kept->client;
  if (facts.reverse_path.is_null())
    client->mail_from = client->helo;  // RFC 7208 2.4
  else if (client->mail_from && kept->sender_domain != domain_of(facts.reverse_path))
    client->mail_from.reset();
  return client;
}

void KnownClients::keep(const AuthenticationFacts& facts, const AuthenticationFindings& findings,
                        Scope scope) {
  if (scope.good_for.count() <= 0 || facts.helo.size() > kLongestHelo) return;
  Kept kept{.address = facts.client,
            .helo = facts.helo,
            .receiver = facts.receiver.ascii(),
            .sender_domain = {},
            .since = facts.now,
            .client = {.iprev = findings.iprev,
                       .helo = without_trace(findings.helo),
                       .until = facts.now + scope.good_for}};
  if (scope.any_sender && !facts.reverse_path.is_null()) {
    kept.sender_domain = domain_of(facts.reverse_path);
    kept.client.mail_from = without_trace(findings.mail_from);
  }
  kept_[place_of(facts.client)] = std::move(kept);
}

}  // namespace postrider::policy
