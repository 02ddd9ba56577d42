// The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt), as a server reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"

namespace postrider::wire::proxy {

// A version 1 line has at most 107 octets, a version 2 header 16 + 65,535; we read at most this much of one.
inline constexpr std::size_t kMaxHeader = 4096;

struct Endpoint {
  base::IpAddress address;
  std::uint16_t port = 0;
};

// LOCAL (health checks) and UNKNOWN have no addresses: the connection's own count.
struct ProxyHeader {
  std::optional<Endpoint> source;
  std::optional<Endpoint> destination;
};

enum class ProxyFault : std::uint8_t { need_more, malformed };

struct ParsedHeader {
  ProxyHeader header;
  std::size_t consumed = 0;  // octets of the input; the SMTP client's own bytes follow
};

// need_more is only given while the input may still become a header and is shorter than kMaxHeader. TLVs of
// version 2 are skipped, its checksum included: the listed proxies are trusted. Datagram families are
// malformed.
std::expected<ParsedHeader, ProxyFault> parse_header(std::string_view input);

}  // namespace postrider::wire::proxy
