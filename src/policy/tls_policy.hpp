// How a connection to another server has to be protected, and who says so. A value: whoever knows better (a route, the
// DNS, the other domain itself) makes another one of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "mail/address.hpp"

namespace postrider::policy {

struct TlsPolicy {
  config::TlsLevel level = config::TlsLevel::may;
  // For TlsLevel::verify: the certificate has to be for one of them; ".example.net" is any name below it. RFC 9525 6.3
  std::vector<std::string> names;
  std::string why;  // who says so, for people: "delivery.tls", "route example.net"
  bool operator==(const TlsPolicy&) const = default;

  // Two connections to one server may stand for each other where this is the same.
  std::string key() const;
};

// "none", "may", "encrypt", "verify"
std::string_view to_string(config::TlsLevel level);

// What the configuration says of mail for `recipients` by this route. Where it names no names to verify, they are those that
// the DNS can't forge: the server's of the route, or of via mx the recipients' domain and what is below it.
TlsPolicy tls_policy(const config::Config& config, const config::Route& route, const mail::Host& recipients);

}  // namespace postrider::policy
