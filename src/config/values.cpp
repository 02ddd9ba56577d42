#include "config/values.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/ascii.hpp"

namespace postrider::config {
namespace {

std::unexpected<Problem> problem(std::string what, std::string mend) {
  return std::unexpected(Problem{std::move(what), std::move(mend)});
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  return port;
}

// Wider than /8 (IPv4) or /16 (IPv6) there are always strangers, but for the private and link-local ranges
// from fc00:: on.
bool holds_strangers(const base::Network& network) {
  const std::string text = network.to_string();
  const auto slash = text.find('/');
  int prefix = 0;
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), prefix);
  const auto address = base::IpAddress::parse(std::string_view(text).substr(0, slash));
  if (address->is_v4()) return prefix < 8;
  const bool global = static_cast<unsigned char>(address->bytes()[0]) < 0xFC;
  return global && prefix < 16;
}

// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

Parsed<mail::Domain> parse_domain(std::string_view text) {
  constexpr std::size_t kLongest =
      254 - 64 - 1;  // any local part and the @ fit before it; RFC 5321 4.5.3.1.3
  auto domain = mail::Domain::parse(text);
  if (domain && std::max(domain->ascii().size(), domain->text().size()) > kLongest)
    return problem(quoted(text) + " is too long to have addresses", "keep it within 189 octets");
  if (domain) return *std::move(domain);
  return problem(quoted(text) + ": " + domain.error().text, "write a domain name: \"example.com\"");
}

Parsed<mail::Address> parse_address(std::string_view text) {
  auto address = mail::Address::parse(text);
  if (address) return *std::move(address);
  return problem(quoted(text) + ": " + address.error().text, "write an address: \"alice@example.com\"");
}

Parsed<mail::Address> parse_target(std::string_view text, const mail::Domain& domain) {
  if (text.contains('@')) return parse_address(text);
  return parse_address(std::string(text) + '@' + domain.ascii());
}

Parsed<std::string> parse_local(std::string_view text) {
  static const mail::Domain any = *mail::Domain::parse("example");
  const auto address = mail::Address::make(text, any);
  if (!address || mail::quote_local(text) != text)
    return problem(quoted(text) + " is no name of a mailbox",
                   "write what stands before the @ of an address, without quotes: \"alice\"");
  return base::lower(text);
}

Parsed<std::string> parse_user(std::string_view text) {
  auto user = parse_local(text);
  if (user && user->contains('/'))
    return problem(quoted(text) + " holds a slash, and a user's name is a directory's name too",
                   "take the slash out, or make it an alias");
  return user;
}

Parsed<base::Network> parse_network(std::string_view text) {
  if (const auto network = base::Network::parse(text)) return *network;
  return problem(quoted(text) + " is no network",
                 "write an address, or a prefix without bits behind it: \"192.0.2.0/24\", \"2001:db8::/32\"");
}

Parsed<base::Network> parse_trusted_network(std::string_view text) {
  auto network = parse_network(text);
  if (network && holds_strangers(*network))
    return problem(quoted(text) + " would make an open relay: strangers are in it",
                   "list only networks of your own (at most an IPv4 /8 or an IPv6 /16)");
  return network;
}

Parsed<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  std::optional<base::IpAddress> address;
  std::optional<std::uint16_t> port;
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    if (bracketed && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (bracketed == host.contains(':')) address = base::IpAddress::parse(host);
    port = parse_port(text.substr(colon + 1));
  }
  if (address && port) return Endpoint{*address, *port};
  return problem(quoted(text) + " is no address and port", "write \"192.0.2.1:25\", or \"[::]:25\" for all");
}

Parsed<Endpoint> parse_loopback_endpoint(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  if (endpoint && !endpoint->address.is_loopback())
    return problem(quoted(text) + " can be reached from other machines, and nobody has to log in",
                   "write \"127.0.0.1:9325\", and put a proxy that asks who it is before it");
  return endpoint;
}

Parsed<std::string> parse_dns_server(std::string_view text) {
  const auto at = text.find('@');
  const bool good_port = at == std::string_view::npos || parse_port(text.substr(at + 1)).value_or(0) != 0;
  if (good_port && base::IpAddress::parse(text.substr(0, at))) return std::string(text);
  return problem(quoted(text) + " is no DNS server",
                 "write its address: \"192.0.2.1\" or \"127.0.0.1@5353\"");
}

Parsed<std::string> parse_absolute_path(std::string_view text) {
  // Braces would be taken for placeholders where the path becomes a part of a mailbox's.
  if (text.starts_with('/') && text.find_first_of(std::string_view("\0{}", 3)) == std::string_view::npos)
    return std::string(text);
  return problem(quoted(text) + " is no absolute path",
                 "begin it with a slash and use no braces: \"/var/lib/postrider\"");
}

Parsed<std::string> parse_path_in(std::string_view text, const std::string& data_dir) {
  constexpr std::string_view kFront = "{data_dir}";
  if (!text.starts_with(kFront)) return parse_absolute_path(text);
  return parse_absolute_path(data_dir + std::string(text.substr(kFront.size())));
}

Parsed<base::IpAddress> parse_source(std::string_view text) {
  const auto address = base::IpAddress::parse(text);
  if (address && !address->is_unspecified()) return *address;
  return problem(quoted(text) + " is no address to send from",
                 "write an address of this machine: \"192.0.2.1\", \"2001:db8::1\"");
}

Parsed<std::string> parse_helo(std::string_view text) {
  const auto address = mail::Address::parse("postmaster@" + std::string(text));
  if (address) return mail::to_ascii(address->host());
  return problem(quoted(text) + " is no name that this server could greet with",
                 "write a domain name: \"mx.example.com\"");
}

Parsed<std::string> parse_pipe_user(std::string_view text) {
  auto user = parse_system_user(text);
  if (user && *user == "root")
    return problem("a program that strangers' mail is given to can't run as root",
                   "name a user of its own, who may do no more than it needs");
  return user;
}

Parsed<std::string> parse_system_user(std::string_view text) {
  const auto allowed = [](char c) { return base::is_alnum(c) || c == '_' || c == '-' || c == '.'; };
  if (!text.empty() && text.size() <= 32 && text.front() != '-' && std::ranges::all_of(text, allowed))
    return std::string(text);
  return problem(quoted(text) + " is no user name of a system", "write it as in /etc/passwd: \"postrider\"");
}

Parsed<std::string> parse_title(std::string_view text) {
  const auto control = [](char c) { return (c >= 0 && c < ' ') || c == 127; };
  if (!text.empty() && text.size() <= 100 && base::is_utf8(text) && std::ranges::none_of(text, control))
    return std::string(text);
  return problem(quoted(text) + " is no name for people", "write 1 to 100 octets of text on one line");
}

Parsed<std::string> parse_separator(std::string_view text) {
  if (text.empty() || (text.size() == 1 && std::string_view("+-=_.#").contains(text)))
    return std::string(text);
  return problem(quoted(text) + " can't part a user from a detail",
                 "write one of + - = _ . # or \"\" for no details");
}

Parsed<AddressPattern> parse_address_pattern(std::string_view text) {
  AddressPattern pattern{{}, base::IpAddress(), text.starts_with('.')};
  if (text.contains('@')) {
    const auto address = mail::Address::parse(text);
    if (address) return AddressPattern{base::lower(address->local()), address->host(), false};
  } else if (const auto domain = mail::Domain::parse(pattern.subdomains ? text.substr(1) : text)) {
    pattern.host = *domain;
    return pattern;
  }
  return problem(
      quoted(text) + " is no pattern of addresses",
      "write \"user@example.com\", \"example.com\" for a domain or \".example.com\" for its subdomains");
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // of ours; longer ones are no slips of the finger
  if (word.size() > kLongestWord) return {};
  std::size_t best = std::max<std::size_t>(1, std::min<std::size_t>(2, word.size() / 2));
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    const auto far = distance(word, candidate);
    if (far > best || (far == best && found)) continue;
    best = far;
    found = candidate;
  }
  return found;
}

}  // namespace postrider::config
