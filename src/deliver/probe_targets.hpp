// Which servers can be asked about a recipient of a domain that we relay for.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "mail/address.hpp"
#include "mail/reply.hpp"
#include "sys/resolver.hpp"

namespace postrider::deliver {

struct NextHop {
  base::IpAddress address;
  std::uint16_t port = 25;
  std::string name;               // the host's name; empty where the route gives an address
  std::string to_string() const;  // "mx.example.com[192.0.2.1]:25"
  bool operator==(const NextHop&) const = default;
};

// Addresses and ports that this server listens on: who connects to them talks to himself.
// "0.0.0.0" and "::" stand for every address of this machine (each question looks them up anew).
class OwnEndpoints {
 public:
  OwnEndpoints() = default;
  explicit OwnEndpoints(std::vector<std::pair<base::IpAddress, std::uint16_t>> listeners)
      : listeners_(std::move(listeners)) {}
  // These and the listeners of a configuration.
  OwnEndpoints with(const std::vector<config::Listener>& listeners) const;
  // Any thread.
  bool contains(const base::IpAddress& address, std::uint16_t port) const;

 private:
  std::vector<std::pair<base::IpAddress, std::uint16_t>> listeners_;
};

// In the order in which to try them, at least one, at most 10, of at most 5 hosts; or the answer where there
// is nobody to ask: 250 where the route ends here (a mailbox, hold, discard), 550 5.1.2 where the domain does
// not exist, 556 5.1.10 where it takes no mail, 450 4.4.x for trouble of the DNS and for a way back to ourselves.
using NextHops = std::expected<std::vector<NextHop>, mail::Reply>;

// The first route that matches decides; without one it is the MX records. RFC 5321 5.1
// `done` is called once, by the resolver's rules (sys/resolver.hpp) or before the call returns.
// `resolver` must live until then; `config` only during the call.
void find_next_hops(const config::Config& config, const mail::Host& host, OwnEndpoints own,
                    sys::Resolver& resolver, std::move_only_function<void(NextHops)> done);

}  // namespace postrider::deliver
