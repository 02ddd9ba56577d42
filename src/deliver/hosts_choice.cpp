#include "deliver/hosts_choice.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "mail/address.hpp"

namespace postrider::deliver {
namespace {

constexpr std::uint32_t kNoPreference = 1u << 16;  // above every true one

std::unexpected<mail::Outcome> end(mail::Reply reply) {
  const auto action = reply.permanent() ? mail::Action::failed : mail::Action::deferred;
  return std::unexpected(
      mail::Outcome{.action = action, .reply = std::move(reply), .relay = {}, .detail = {}, .at = {}});
}

std::string endpoint(const std::string& host, std::uint16_t port) {
  const bool v6 = host.contains(':');
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

// Who may be tried, of which family.
struct Families {
  bool v4 = true, v6 = true;
  bool v6_first = true;
  bool by_source = false;  // the route's source is what leaves one out
};

class Choice {
 public:
  Choice(const HostFacts& facts, const HostQuestion& question, sys::Random& random)
      : question_(question),
        route_(*question.destination.route),
        random_(random),
        facts_(facts),
        exchanges_(facts.exchanges) {
    if (const auto* smtp = std::get_if<config::ViaSmtp>(&route_.via)) port_ = smtp->port;
    if (const auto* lmtp = std::get_if<config::ViaLmtp>(&route_.via)) port_ = lmtp->port;
  }

  FoundHosts choose() {
    switch (facts_.kind) {
      case FactsKind::no_domain:
        return end(mail::reply(550, 1, 2, "the domain " + domain() + " does not exist"));
      case FactsKind::null_mx:
        return end(mail::reply(556, 1, 10, "the domain " + domain() + " takes no mail"));  // RFC 7505 4.2
      case FactsKind::self:
        return loop();
      case FactsKind::trouble:
        return trouble(facts_.trouble);
      case FactsKind::hosts:
        break;
    }
    drop_own();
    Hosts found{.site = site_of(question_.destination, question_.config, site_name()),
                .hops = {},
                .others = {},
                .ttl = facts_.ttl};
    order();
    const Families families = families_of();
    for (const Exchange& exchange : exchanges_) add(exchange, families, found.hops);
    if (found.hops.empty()) return nobody(families);
    if (found.hops.size() > kMostAddresses) select(found);
    return found;
  }

 private:
  bool by_mx() const { return std::holds_alternative<config::ViaMx>(route_.via); }
  std::string domain() const { return mail::to_ascii(question_.destination.host); }
  std::string target() const { return by_mx() ? domain() : site_name(); }

  std::unexpected<mail::Outcome> loop() const {
    return end(mail::reply(554, 4, 6, "mail for " + domain() + " would come back to this server"));
  }
  std::unexpected<mail::Outcome> trouble(const std::string& error) const {
    return end(
        mail::reply(451, 4, 3, "the DNS gives no answer for the mail hosts of " + target() + ": " + error));
  }

  bool is_own(const std::vector<base::IpAddress>& addresses) const {
    return std::ranges::any_of(addresses,
                               [&](const auto& address) { return question_.own.contains(address, port_); });
  }

  // By address, for a list that calls this server by another of its names. RFC 5321 5.1
  void drop_own() {
    for (const Exchange& exchange : exchanges_)
      if (is_own(exchange.v4) || is_own(exchange.v6)) own_ = std::min(own_, exchange.preference);
    std::erase_if(exchanges_, [&](const Exchange& exchange) { return exchange.preference >= own_; });
  }

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random_.below(i)]);
  }

  // Equal ones in random order, to spread the load. RFC 5321 5.1
  void order() {
    shuffle(exchanges_);
    std::ranges::sort(exchanges_, {}, &Exchange::preference);
  }

  Families families_of() const {
    using enum config::IpPreference;
    const auto ip = question_.config.delivery.ip;
    Families families{.v4 = ip != only_ipv6, .v6 = ip != only_ipv4, .v6_first = ip != prefer_ipv4};
    // Who writes an address into a route wants that one.
    if (!by_mx() && !exchanges_.empty() && exchanges_.front().name.empty()) families.v4 = families.v6 = true;
    if (route_.source.empty()) return families;
    const bool v4 = std::ranges::any_of(route_.source, &base::IpAddress::is_v4);
    const bool v6 = !std::ranges::all_of(route_.source, &base::IpAddress::is_v4);
    families.by_source = (families.v4 && !v4) || (families.v6 && !v6);
    families.v4 = families.v4 && v4;
    families.v6 = families.v6 && v6;
    return families;
  }

  // The families in turn: where one of them does not work from here, the second attempt is of the other.
  void add(const Exchange& exchange, const Families& families, std::vector<NextHop>& hops) {
    std::vector<base::IpAddress> v4, v6;
    if (families.v4) v4 = exchange.v4;
    if (families.v6) v6 = exchange.v6;
    // An address that the route or the recipient gives is tried, whatever may come of it.
    if (!exchange.name.empty()) std::erase_if(v6, [&](const auto& one) { return !question_.reachable(one); });
    shuffle(v4);  // the resolver's order means nothing
    shuffle(v6);
    const auto& first = families.v6_first ? v6 : v4;
    const auto& second = families.v6_first ? v4 : v6;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
      for (const auto* list : {&first, &second})
        if (i < list->size()) hops.push_back({(*list)[i], port_, exchange.name, exchange.preference, {}});
    }
  }

  // The first of each host before all further ones.
  static void select(Hosts& found) {
    std::vector<NextHop> chosen, rest;
    for (NextHop& hop : found.hops) {
      const bool enough = std::ranges::count(chosen, hop.name, &NextHop::name) >= kMostOfHost;
      (enough ? rest : chosen).push_back(std::move(hop));
    }
    std::ranges::move(rest, std::back_inserter(chosen));
    const auto end = chosen.begin() + kMostAddresses;
    found.others.assign(end, end + std::min(chosen.end() - end, kMostOthers));
    chosen.erase(end, chosen.end());
    found.hops = std::move(chosen);
  }

  FoundHosts nobody(const Families& families) const {
    bool addresses = false;
    for (const Exchange& exchange : exchanges_) {
      if (!exchange.trouble.empty()) return trouble(exchange.trouble);
      addresses |= !exchange.v4.empty() || !exchange.v6.empty();
    }
    if (addresses && families.by_source)
      return end(mail::reply(451, 3, 5, "the source address of the route fits no address of " + target()));
    if (addresses)
      return end(mail::reply(
          451, 4, 4,
          "the mail hosts of " + domain() + " have only addresses of a kind that is not used here"));
    if (own_ != kNoPreference) return loop();
    if (!by_mx()) return end(mail::reply(451, 3, 5, "the host of the route has no address: " + target()));
    return end(mail::reply(550, 4, 4, "the mail hosts of " + domain() + " have no address"));
  }

  std::string site_name() const {
    if (const auto* smtp = std::get_if<config::ViaSmtp>(&route_.via))
      return "smtp://" + endpoint(plain_host(smtp->host), smtp->port);
    if (const auto* lmtp = std::get_if<config::ViaLmtp>(&route_.via))
      return lmtp->path.empty() ? "lmtp://" + endpoint(plain_host(lmtp->host), lmtp->port)
                                : "lmtp:" + lmtp->path;
    if (std::holds_alternative<base::IpAddress>(question_.destination.host)) return domain();
    std::vector<std::string> names;
    for (const Exchange& exchange : exchanges_) names.push_back(exchange.name);
    std::ranges::sort(names);
    std::string joined;
    for (const std::string& name : names) joined += (joined.empty() ? "" : ",") + name;
    return joined;
  }

  const HostQuestion& question_;
  const config::Route& route_;
  sys::Random& random_;
  const HostFacts& facts_;
  std::vector<Exchange> exchanges_;
  std::uint16_t port_ = 25;
  std::uint32_t own_ = kNoPreference;
};

}  // namespace

std::string plain_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return base::lower(host);
}

queue::Site site_of(const queue::Destination& destination, const config::Config& config, std::string name) {
  const config::Route& route = *destination.route;
  if (route.has_own_terms()) name += " (route " + route.pattern + ')';
  return {.name = std::move(name),
          .concurrency = route.concurrency.value_or(config.delivery.concurrency),
          .max_per_minute = route.max_per_minute};
}

FoundHosts choose_hosts(const HostFacts& facts, const HostQuestion& question, sys::Random& random) {
  return Choice(facts, question, random).choose();
}

}  // namespace postrider::deliver
