// Which of a destination's hosts are tried, and in which order.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "deliver/hosts.hpp"
#include "deliver/hosts_lookup.hpp"

namespace postrider::deliver {

struct HostQuestion {
  const queue::Destination& destination;
  const config::Config& config;
  const OwnEndpoints& own;  // with the listeners of the configuration
  const std::function<bool(const base::IpAddress&)>& reachable;
};

// No look-ups: pure but for the chance that orders equal hosts, and for what OwnEndpoints knows of the machine.
// Outcomes have no time.
FoundHosts choose_hosts(const HostFacts& facts, const HostQuestion& question, sys::Random& random);

// The site of that name, with the limits of the route.
queue::Site site_of(const queue::Destination& destination, const config::Config& config, std::string name);

// The host of a route without brackets, lower case.
std::string plain_host(std::string_view host);

}  // namespace postrider::deliver
