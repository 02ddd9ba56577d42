// Reads and prints the single values of the file: durations, sizes, networks, routes.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace postrider::config {

// A Fault without its place.
struct Problem {
  std::string what;
  std::string mend;
};
template <class T>
using Parsed = std::expected<T, Problem>;

// "500ms", "30s", "1m", "4h", "5d": a whole number and one unit.
Parsed<base::Milliseconds> parse_duration(std::string_view text);
std::string show_duration(base::Milliseconds duration);
// "50MB" (powers of 1000), "256MiB" (powers of 1024), "1000" or "1000B".
Parsed<std::uint64_t> parse_size(std::string_view text);
std::string show_size(std::uint64_t octets);

Parsed<mail::Domain> parse_domain(std::string_view text);
Parsed<mail::Address> parse_address(std::string_view text);
// An address, or a local part alone, which is then of `domain`.
Parsed<mail::Address> parse_target(std::string_view text, const mail::Domain& domain);
// Lower case. A user's name is a directory's name too: dot-string, no '/', at most 64 octets.
Parsed<std::string> parse_user(std::string_view text);
// Lower case; any local part that needs no quotes.
Parsed<std::string> parse_local(std::string_view text);

Parsed<base::Network> parse_network(std::string_view text);
// The same, but not half the Internet: a network that strangers are in.
Parsed<base::Network> parse_trusted_network(std::string_view text);

struct Endpoint {
  base::IpAddress address;
  std::uint16_t port = 0;
};
// "127.0.0.1:25", "[::]:25"; port 0 to 65535.
Parsed<Endpoint> parse_endpoint(std::string_view text);
// The same, of an address that only this machine itself reaches.
Parsed<Endpoint> parse_loopback_endpoint(std::string_view text);
// "192.0.2.1", "192.0.2.1@5353", "2001:db8::1@53"
Parsed<std::string> parse_dns_server(std::string_view text);

Parsed<std::string> parse_absolute_path(std::string_view text);
// The same, where "{data_dir}" may stand at the beginning.
Parsed<std::string> parse_path_in(std::string_view text, const std::string& data_dir);
// Name of a user of the operating system.
Parsed<std::string> parse_system_user(std::string_view text);
// A name for people: 1 to 100 octets of UTF-8 without control characters.
Parsed<std::string> parse_title(std::string_view text);
Parsed<std::string> parse_separator(std::string_view text);

Parsed<AddressPattern> parse_address_pattern(std::string_view text);
// An address to send from.
// RFC 3986 3; without user and fragment.
Parsed<Url> parse_url(std::string_view text);
Parsed<base::IpAddress> parse_source(std::string_view text);
// What EHLO says: a domain name, or an address literal. RFC 5321 4.1.1.1
Parsed<std::string> parse_helo(std::string_view text);
// Of a certificate: "mx.example.net", or ".example.net" for any name below it. Lower case.
Parsed<std::string> parse_tls_name(std::string_view text);
// Of a program: braces hold only what is filled in.
Parsed<std::string> parse_argument(std::string_view text);
// Who runs a program: not root.
Parsed<std::string> parse_pipe_user(std::string_view text);
// Of a pipe only the program is filled.
Parsed<Via> parse_via(std::string_view text, const std::string& data_dir);
// Pattern, domain and subdomains are filled; via is not.
Parsed<Route> parse_route_pattern(std::string_view text);

enum class TemplateNeeds : std::uint8_t { user, domain_and_user };
// "maildir:/path/{domain}/{user}"; {data_dir} is filled in, the two others stay. The result has the prefix.
Parsed<std::string> parse_maildir(std::string_view text, const std::string& data_dir, TemplateNeeds needs);

// The candidate that `word` was probably meant to be: at most two letters differ.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace postrider::config
