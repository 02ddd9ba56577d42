// Which addresses are this machine's, and which of them this server listens on.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ip.hpp"
#include "config/config.hpp"

namespace postrider::deliver {

// Addresses and ports that this server listens on: who connects to them talks to himself.
// "0.0.0.0" and "::" stand for every address of this machine (as it was at most 5 s ago).
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

// Whether to connect to an address is worth the try: true of IPv4 and of ::1; of the rest of IPv6 where this machine
// has an address of that kind, global or unique local (RFC 4193 3.1), as it was at most 5 s ago. Any thread.
bool is_reachable(const base::IpAddress& address);
// The same for a machine that has these addresses.
bool is_reachable_from(const std::vector<base::IpAddress>& own, const base::IpAddress& address);

}  // namespace postrider::deliver
