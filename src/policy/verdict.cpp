#include "policy/verdict.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::policy {
namespace {

using mail::reply;

bool contains(const std::vector<base::Network>& networks, const base::IpAddress& address) {
  return std::ranges::any_of(networks, [&](const auto& network) { return network.contains(address); });
}

bool matches(const std::vector<config::AddressPattern>& patterns, const mail::Address& address) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.matches(address); });
}

// For a reply: the client may not have asked for UTF-8 (RFC 6531 3.7.4.1).
std::string name_of(const mail::Address& address) { return '<' + base::printable(address.to_ascii()) + '>'; }

// Rule: relaying needs an authenticated user or a listed network. Loopback is no exception.
// Why it may; empty: it may not.
std::string_view relay_right(const config::Config& config, const ClientFacts& client) {
  if (client.mode == config::ListenerMode::submit) return "relaying: a user of this machine";
  if (!client.identity.empty()) return "relaying: the client has logged in";
  return contains(config.networks, client.address) ? "relaying: the client is in networks" : "";
}

// [submit] allow
std::optional<Refuse> judge_user(const config::Config& config, const ClientFacts& client) {
  if (config.submit.allows(client.uid, client.identity)) return {};
  return Refuse{reply(554, 7, 1, base::printable(client.identity) + " may not send mail from this machine"),
                true};
}

RecipientVerdict judge(const base::Result<directory::Resolution>& resolution, std::string_view relay_right,
                       const mail::Address& address) {
  using directory::Standing;
  if (!resolution) return Refuse{mail::reply_for(resolution.error(), 550)};
  switch (resolution->standing) {
    case Standing::local:
      return Accept{resolution->targets, "recipient: here"};
    case Standing::relay:
      return Accept{resolution->targets, "recipient: in a domain that we relay for"};
    case Standing::ask:
      return AskNextHop{resolution->targets.front().address};
    case Standing::returning:
      return Accept{resolution->targets, "recipient: the sender of mail that was sent on"};
    case Standing::foreign:
      if (!relay_right.empty()) return Accept{resolution->targets, relay_right};
      return Refuse{reply(550, 7, 1, name_of(address) + ": relaying denied")};
    case Standing::unknown:
      break;
  }
  return Refuse{reply(550, 1, 1, name_of(address) + ": no such mailbox here")};
}

}  // namespace

bool may_relay(const config::Config& config, const ClientFacts& client) {
  return !relay_right(config, client).empty();
}

std::optional<Refuse> judge_client(const config::Config& config, const ClientFacts& client) {
  if (client.mode == config::ListenerMode::submit) return judge_user(config, client);
  const auto& access = config.access;
  if (contains(access.allow_clients, client.address) || !contains(access.deny_clients, client.address))
    return {};
  const std::string text = config.hostname.ascii() + " takes no mail from " + client.address.to_string();
  return Refuse{reply(554, 7, 1, text), true};
}

std::optional<Refuse> judge_sender(const config::Config& config, const ClientFacts& client,
                                   const mail::ReversePath& sender) {
  // RFC 4954 6, RFC 6409 4.3
  if (client.must_log_in && client.identity.empty())
    return Refuse{reply(530, 7, 0, "log in first: this server takes mail from its users only")};
  const auto& access = config.access;
  // Bounces must get through, whoever is denied: RFC 5321 4.5.5
  const bool local = client.mode == config::ListenerMode::submit;
  if (sender.is_null() || (!local && contains(access.allow_clients, client.address))) return {};
  if (matches(access.allow_senders, sender.address()) || !matches(access.deny_senders, sender.address()))
    return {};
  return Refuse{reply(550, 7, 1, name_of(sender.address()) + ": sender denied")};
}

RecipientVerdict judge_recipient(const config::Config& config, const directory::Directory& directory,
                                 const ClientFacts& client, const mail::ForwardPath& recipient,
                                 const Forwarding* forwarding) {
  const auto* address = std::get_if<mail::Address>(&recipient);
  // RFC 5321 4.5.1: <postmaster> without a domain is never refused.
  if (!address) {
    const auto resolution = directory.postmaster();
    if (!resolution) return Refuse{mail::reply_for(resolution.error(), 550)};
    return Accept{resolution->targets, "recipient: postmaster"};
  }
  const auto& access = config.access;
  if (!matches(access.allow_recipients, *address) && matches(access.deny_recipients, *address))
    return Refuse{reply(550, 7, 1, name_of(*address) + ": recipient denied")};
  return judge(forwarding ? forwarding->resolve(*address, directory) : directory.resolve(*address),
               relay_right(config, client), *address);
}

RecipientVerdict judge_probe(const mail::Address& recipient, const mail::Reply& answer) {
  constexpr std::size_t kMostWords = 200;  // a reply line has 512 octets; RFC 5321 4.5.3.1.5
  if (answer.code >= 200 && answer.code < 300)
    return Accept{{{recipient, {}, false}}, "recipient: the next server knows it"};
  const std::string words = base::printable(answer.text).substr(0, kMostWords);
  if (answer.permanent())
    return Refuse{reply(550, 1, 1, name_of(recipient) + ": the next server refuses it: " + words)};
  mail::Reply later = reply(450, 1, 1, name_of(recipient) + ": not known yet, try again later: " + words);
  if (answer.temporary() && answer.enhanced && answer.enhanced->cls == 4) later.enhanced = answer.enhanced;
  return Refuse{std::move(later)};
}

}  // namespace postrider::policy
