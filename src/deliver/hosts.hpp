// Where a destination's mail goes: the hosts to try, in their order, and the site that they are.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "config/config.hpp"
#include "deliver/own_endpoints.hpp"
#include "mail/outcome.hpp"
#include "queue/courier.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"
#include "sys/resolver.hpp"

namespace postrider::deliver {

struct NextHop {
  base::IpAddress address;
  std::uint16_t port = 25;
  std::string name;  // the host's, lower case; empty where the destination or the route is an address
  std::uint32_t preference = 0;   // of its MX record
  std::string socket;             // the path of a Unix socket, where it is one: then nothing else is set
  std::string to_string() const;  // "mx.example.com[192.0.2.1]:25", "[192.0.2.1]:25", "/run/lmtp.sock"
  bool operator==(const NextHop&) const = default;
};

struct Hosts {
  // It is one of them all: mail for the destination may go there now.
  bool have(const NextHop& hop) const;

  queue::Site site;
  std::vector<NextHop> hops;  // at least one, at most kMostAddresses, in the order in which to try them
  std::vector<NextHop>
      others;  // further addresses, not tried: a connection that is kept to one serves; kMostOthers
  std::chrono::seconds ttl{0};  // of the DNS's answers: the least; a day where nobody was asked
};
// The other: what becomes of every recipient there now.
//   failed    550 5.1.2   the domain does not exist
//             556 5.1.10  it takes no mail (null MX)
//             554 5.4.6   the way leads back to this server
//             550 5.4.4   its MX hosts have no address, or do not exist
//   deferred  451 4.4.3   trouble of the DNS: no answer, servers that fail, a forged answer
//             451 4.4.4   its hosts have IPv6 addresses only (or IPv4), which is not used from here
//             451 4.3.5   the host that the route names has no address, or the route's source fits none of them
using FoundHosts = std::expected<Hosts, mail::Outcome>;

constexpr std::size_t kMostExchanges = 10;  // MX hosts of a domain that are looked up: the best
constexpr std::size_t kMostAddresses = 10;  // that an attempt tries
constexpr std::ptrdiff_t kMostOfHost =
    4;  // of these, where there are more: so that no host's dead ones hide the next
constexpr std::ptrdiff_t kMostOthers = 90;

// Finds the hosts of destinations whose route is via mx, smtp or lmtp.
//
// MX hosts come by preference, equal ones in random order, each time anew; without MX records the domain is its own
// host. RFC 5321 5.1 Who stands among the MX himself (by name, or by an address and port he listens on) uses only
// those that are preferred to him. Of each host the families take turns, the preferred one first ([delivery] ip);
// a family without a source address in the route is left out, and so is IPv6 on a machine that has none.
//
// The site of MX hosts is their names, sorted, with commas between: the same for all domains that share them. That of
// a route is "smtp://host:port", "lmtp://host:port" or "lmtp:/path"; of an address literal the literal. A route with
// terms of its own adds " (route PATTERN)".
//
// All look-ups of one question together have 30 s. Answers are kept for their ttl, at most 5 min, failures for 10 s
// (by `clock`), at most 10,000; questions for the same target that come meanwhile wait for the first one's answer. Only
// what the DNS says is kept: configuration, own addresses and order are looked at each time.
class HostFinder {
 public:
  // What is a reference outlives the finder; the resolver also the questions that it has open. `config` and
  // `reachable` are called on any thread, not after close().
  struct Parts {
    sys::Resolver& resolver;
    sys::Clock& clock;
    sys::Random& random;
    std::function<std::shared_ptr<const config::Config>()> config;
    OwnEndpoints own = {};  // beside the listeners of the configuration (those with port 0)
    std::function<bool(const base::IpAddress&)> reachable = is_reachable;
  };
  explicit HostFinder(Parts parts);
  ~HostFinder();  // close()

  // `done` is called once, within 30 s: before this returns where the answer is known, else on the resolver's thread;
  // it must not block. Any thread. Requires a route (never null), and that close() has not been called.
  void find(const queue::Destination& destination, std::move_only_function<void(FoundHosts)> done);
  // Answers what is open with 451 4.3.2.
  void close();

 private:
  class Inside;
  std::shared_ptr<Inside> inside_;
};

}  // namespace postrider::deliver
