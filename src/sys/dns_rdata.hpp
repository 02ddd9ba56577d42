// Record data of the DNS as libunbound hands it over: network order, names uncompressed. Pure.
// A parser gives nothing for octets that are not exactly such a record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sys/resolver.hpp"

namespace postrider::sys::dns {

// A name that can be asked for, with or without its last dot: labels of 1 to 63 octets, 253 in all
// (RFC 1035 2.3.4), without NUL and backslash, which libunbound reads as more than themselves.
bool is_name(std::string_view name);

std::optional<base::IpAddress> parse_a(std::string_view rdata);     // RFC 1035 3.4.1
std::optional<base::IpAddress> parse_aaaa(std::string_view rdata);  // RFC 3596 2.2
std::optional<Mx> parse_mx(std::string_view rdata);                 // RFC 1035 3.3.9
std::optional<std::string> parse_name(std::string_view rdata);      // the data of a PTR, RFC 1035 3.3.12
std::optional<std::string> parse_txt(std::string_view rdata);       // RFC 1035 3.3.14

}  // namespace postrider::sys::dns
