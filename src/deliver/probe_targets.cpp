#include "deliver/probe_targets.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "sys/random.hpp"

namespace postrider::deliver {
namespace {

namespace dns = sys::dns;

constexpr std::size_t kMostHosts = 5;
constexpr std::size_t kMostAddresses = 10;
constexpr std::uint32_t kNoPreference = 1u << 16;  // above every true one

std::optional<base::IpAddress> address_of(const sockaddr* socket_address) {
  if (socket_address == nullptr) return {};
  if (socket_address->sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(socket_address)->sin_addr, bytes.size());
    return base::IpAddress::v4(bytes);
  }
  if (socket_address->sa_family != AF_INET6) return {};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(socket_address)->sin6_addr, bytes.size());
  return base::IpAddress::v6(bytes);
}

bool is_of_this_machine(const base::IpAddress& address) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* one = list; one != nullptr && !found; one = one->ifa_next)
    found = address_of(one->ifa_addr) == address;
  freeifaddrs(list);
  return found;
}

std::unexpected<mail::Reply> loop() {
  return std::unexpected(mail::reply(450, 4, 6, "the next hop for this domain is this server itself"));
}

std::unexpected<mail::Reply> dns_trouble(const dns::Failure& failure) {
  return std::unexpected(
      mail::reply(450, 4, 3, "the next hop can't be found: " + std::string(to_string(failure.error))));
}

struct Exchange {
  std::string name;
  std::uint32_t preference = 0;
  dns::Result<base::IpAddress> v4, v6;
};

// One question: where is the next hop of a domain? Kept alive by the callbacks that wait for the DNS.
class Search : public std::enable_shared_from_this<Search> {
 public:
  Search(const config::Config& config, OwnEndpoints own, sys::Resolver& resolver,
         std::move_only_function<void(NextHops)> done)
      : hostname_(config.hostname.ascii()),
        within_(config.timeouts.probe),
        own_(std::move(own)),
        resolver_(resolver),
        done_(std::move(done)) {}

  void by_address(const base::IpAddress& address, std::uint16_t port) {
    if (own_.contains(address, port)) return done_(loop());
    done_(std::vector<NextHop>{{address, port, {}}});
  }

  void end_here() { done_(std::unexpected(mail::reply(250, 1, 5, "no other server to ask"))); }

  void by_host(std::string name, std::uint16_t port) {
    port_ = port;
    exchanges_.push_back({std::move(name), 0, {}, {}});
    ask_addresses();
  }

  void by_mx(std::string domain) {
    resolver_.mx(domain, within_, [self = shared_from_this(), domain](dns::Result<dns::Mx> result) {
      self->take_exchanges(domain, std::move(result));
    });
  }

 private:
  void take_exchanges(const std::string& domain, dns::Result<dns::Mx> result) {
    if (!result && result.error().error == dns::Error::nxdomain)
      return done_(std::unexpected(mail::reply(550, 1, 2, "the recipient's domain does not exist")));
    // Without MX records the domain itself is the host. RFC 5321 5.1
    if (!result && result.error().error == dns::Error::nodata) return by_host(domain, 25);
    if (!result) return done_(dns_trouble(result.error()));
    std::erase_if(result->records, [](const dns::Mx& mx) { return mx.exchange == "."; });
    // Nothing but the null MX. RFC 7505 3
    if (result->records.empty())
      return done_(std::unexpected(mail::reply(556, 1, 10, "the recipient's domain takes no mail")));
    auto own = std::ranges::find(result->records, hostname_, &dns::Mx::exchange);
    const std::uint32_t end = own == result->records.end() ? kNoPreference : own->preference;
    // Who stands in the list himself asks only those who are preferred to him. RFC 5321 5.1
    std::erase_if(result->records, [&](const dns::Mx& mx) { return mx.preference >= end; });
    if (result->records.empty()) return done_(loop());
    sort(result->records);
    for (const dns::Mx& mx : result->records) exchanges_.push_back({mx.exchange, mx.preference, {}, {}});
    ask_addresses();
  }

  // By preference; equal ones in random order, to spread the load. RFC 5321 5.1
  static void sort(std::vector<dns::Mx>& records) {
    for (std::size_t i = records.size(); i > 1; --i)
      std::swap(records[i - 1], records[sys::system_random().below(i)]);
    std::ranges::sort(records, {}, &dns::Mx::preference);
  }

  void ask_addresses() {
    if (exchanges_.size() > kMostHosts) exchanges_.resize(kMostHosts);
    open_ = static_cast<int>(exchanges_.size() * 2);
    for (Exchange& exchange : exchanges_) {
      resolver_.a(exchange.name, within_, [self = shared_from_this(), &exchange](auto result) {
        exchange.v4 = std::move(result);
        self->count_down();
      });
      resolver_.aaaa(exchange.name, within_, [self = shared_from_this(), &exchange](auto result) {
        exchange.v6 = std::move(result);
        self->count_down();
      });
    }
  }

  void count_down() {
    if (--open_ == 0) done_(choose());
  }

  bool is_own(const dns::Result<base::IpAddress>& result) const {
    return result &&
           std::ranges::any_of(result->records, [&](const auto& ip) { return own_.contains(ip, port_); });
  }

  // Also by address, for a list that calls this server by another of its names.
  std::uint32_t own_preference() const {
    std::uint32_t lowest = kNoPreference;
    for (const Exchange& exchange : exchanges_) {
      if (is_own(exchange.v4) || is_own(exchange.v6)) lowest = std::min(lowest, exchange.preference);
    }
    return lowest;
  }

  NextHops choose() const {
    const std::uint32_t end = own_preference();
    std::vector<NextHop> hops;
    const dns::Failure* trouble = nullptr;
    for (const Exchange& exchange : exchanges_) {
      if (exchange.preference >= end) continue;
      for (const auto* result : {&exchange.v4, &exchange.v6}) {
        if (!*result && is_temporary(result->error().error)) trouble = &result->error();
        if (!*result) continue;
        for (const auto& address : (*result)->records) hops.push_back({address, port_, exchange.name});
      }
    }
    if (hops.size() > kMostAddresses) hops.resize(kMostAddresses);
    if (!hops.empty()) return hops;
    if (trouble) return dns_trouble(*trouble);
    if (end != kNoPreference) return loop();
    return std::unexpected(mail::reply(450, 4, 4, "the next hop has no address"));
  }

  const std::string hostname_;
  const base::Milliseconds within_;
  const OwnEndpoints own_;
  sys::Resolver& resolver_;
  std::move_only_function<void(NextHops)> done_;
  std::uint16_t port_ = 25;
  std::vector<Exchange> exchanges_;
  std::atomic<int> open_ = 0;
};

std::string_view without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

std::string NextHop::to_string() const {
  return name + '[' + address.to_string() + "]:" + std::to_string(port);
}

OwnEndpoints OwnEndpoints::with(const std::vector<config::Listener>& listeners) const {
  OwnEndpoints all(*this);
  for (const auto& listener : listeners) all.listeners_.emplace_back(listener.address, listener.port);
  return all;
}

bool OwnEndpoints::contains(const base::IpAddress& address, std::uint16_t port) const {
  return std::ranges::any_of(listeners_, [&](const auto& listener) {
    if (listener.second != port) return false;
    if (listener.first == address) return true;
    // To connect to an unspecified address is to connect to this machine.
    return listener.first.is_unspecified()
               ? address.is_loopback() || address.is_unspecified() || is_of_this_machine(address)
               : address.is_unspecified();
  });
}

void find_next_hops(const config::Config& config, const mail::Host& host, OwnEndpoints own,
                    sys::Resolver& resolver, std::move_only_function<void(NextHops)> done) {
  const auto route = std::ranges::find_if(config.routes, [&](const auto& one) { return one.matches(host); });
  const config::Via via = route == config.routes.end() ? config::ViaMx{} : route->via;
  const auto search = std::make_shared<Search>(config, std::move(own), resolver, std::move(done));
  if (const auto* smtp = std::get_if<config::ViaSmtp>(&via)) {
    if (const auto address = base::IpAddress::parse(without_brackets(smtp->host)))
      return search->by_address(*address, smtp->port);
    return search->by_host(smtp->host, smtp->port);
  }
  if (!std::holds_alternative<config::ViaMx>(via)) return search->end_here();
  if (const auto* address = std::get_if<base::IpAddress>(&host)) return search->by_address(*address, 25);
  search->by_mx(std::get<mail::Domain>(host).ascii());
}

}  // namespace postrider::deliver
