#include <algorithm>
#include <charconv>

#include "config/values.hpp"

namespace postrider::config {
namespace {

constexpr std::string_view kMaildir = "maildir:";
constexpr std::string_view kSmtp = "smtp://";
constexpr std::string_view kLmtp = "lmtp://";
constexpr std::string_view kLmtpSocket = "lmtp:";
constexpr std::string_view kPipe = "pipe:";
constexpr std::string_view kForms =
    "write mx, smtp://host:port, lmtp://host:port, lmtp:/path, pipe:/path, maildir:/path/{domain}/{user}, "
    "hold "
    "or discard";

std::unexpected<Problem> problem(std::string what, std::string mend) {
  return std::unexpected(Problem{std::move(what), std::move(mend)});
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
  }
  return false;
}

// What stands in braces, in order; nothing where they don't match.
std::optional<std::vector<std::string>> placeholders(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const auto brace = path.find_first_of("{}");
    if (brace == std::string_view::npos) break;
    const auto end = path.find_first_of("{}", brace + 1);
    if (path[brace] != '{' || end == std::string_view::npos || path[end] != '}') return {};
    names.emplace_back(path.substr(brace + 1, end - brace - 1));
    path.remove_prefix(end + 1);
  }
  return names;
}

struct Authority {
  std::string host;
  std::uint16_t port = 0;
};

// Behind the scheme: "host", "host:port", "192.0.2.1:25", "[2001:db8::1]:25"
Parsed<Authority> parse_authority(std::string_view text, std::string_view scheme, std::uint16_t port) {
  const std::string_view authority = text.substr(scheme.size());
  const std::string form = std::string(scheme) + "host:port";
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : authority.find(':');
  Authority found{std::string(authority.substr(0, host_end)), port};
  std::string_view rest = host_end == std::string_view::npos ? "" : authority.substr(host_end);
  if (bracketed) {
    found.host.erase(0, 1);
    if (!rest.empty()) rest.remove_prefix(1);
  }
  if (!rest.empty()) {
    const auto digits = rest.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), found.port);
    if (rest.front() != ':' || error != std::errc{} || end != digits.data() + digits.size() ||
        found.port == 0)
      return problem(quoted(text) + " has no good port", "write " + form + ", with a port from 1 to 65535");
  }
  const auto address = base::IpAddress::parse(found.host);
  const bool good = bracketed ? address && host_end != std::string_view::npos
                              : address || mail::Domain::parse(found.host).has_value();
  if (!good)
    return problem(quoted(text) + " names no host", "write " + form + ", an IPv6 address in brackets");
  if (!address) found.host = mail::Domain::parse(found.host)->ascii();
  return found;
}

Parsed<Via> parse_lmtp_socket(std::string_view text) {
  // The size of an address of a socket, with the zero at its end.
  constexpr std::size_t kLongest = 107;
  const std::string_view path = text.substr(kLmtpSocket.size());
  if (path.starts_with('/') && path.size() <= kLongest && !path.contains('\0'))
    return ViaLmtp{{}, 0, std::string(path)};
  return problem(quoted(text) + " is no path of a socket",
                 "write lmtp:/run/dovecot/lmtp, at most 107 octets, or lmtp://host:port");
}

Parsed<Via> parse_pipe(std::string_view text) {
  const std::string_view path = text.substr(kPipe.size());
  if (path.starts_with('/') && !path.ends_with('/') && !path.contains('\0')) {
    ViaPipe via;
    via.program = path;
    return via;
  }
  return problem(quoted(text) + " is no program with an absolute path",
                 "write pipe:/usr/bin/program, and what it is given under arguments");
}

}  // namespace

Parsed<std::string> parse_maildir(std::string_view text, const std::string& data_dir, TemplateNeeds needs) {
  if (!text.starts_with(kMaildir))
    return problem(quoted(text) + " is no mailbox that this version can write to",
                   "write maildir:/path/{domain}/{user}");
  std::string path(text.substr(kMaildir.size()));
  if (const std::string_view front = "{data_dir}"; path.starts_with(front))
    path.replace(0, front.size(), data_dir);
  if (!path.starts_with('/') || path.contains('\0') || has_dot_segment(path))
    return problem(quoted(text) + " is no absolute path without \".\" and \"..\"",
                   "begin it with / or with {data_dir}");
  const auto names = placeholders(path);
  const auto has = [&](std::string_view name) { return std::ranges::find(*names, name) != names->end(); };
  if (!names || std::ranges::any_of(*names, [](auto& name) { return name != "domain" && name != "user"; }))
    return problem(quoted(text) + " holds braces that nothing is filled into",
                   "only {domain} and {user} are filled in, and {data_dir} at the beginning");
  if (!has("user") || (needs == TemplateNeeds::domain_and_user && !has("domain")))
    return problem(
        quoted(text) + " would put several users' mail into one mailbox",
        needs == TemplateNeeds::user ? "put {user} into the path" : "put {domain} and {user} into the path");
  return std::string(kMaildir) + path;
}

Parsed<std::string> parse_argument(std::string_view text) {
  static constexpr std::string_view kNames[] = {"sender", "recipient", "user", "domain", "original", "id"};
  const auto names = placeholders(text);
  const bool good = names && std::ranges::all_of(*names, [](const std::string& name) {
                      return std::ranges::find(kNames, name) != std::end(kNames);
                    });
  if (good && !text.contains('\0')) return std::string(text);
  return problem(quoted(text) + " holds braces that nothing is filled into",
                 "only {sender}, {recipient}, {user}, {domain}, {original} and {id} are filled in");
}

Parsed<Via> parse_via(std::string_view text, const std::string& data_dir) {
  if (text == "mx") return ViaMx{};
  if (text == "hold") return ViaHold{};
  if (text == "discard") return ViaDiscard{};
  if (text.starts_with(kSmtp)) {
    auto to = parse_authority(text, kSmtp, 25);
    if (!to) return std::unexpected(to.error());
    return ViaSmtp{std::move(to->host), to->port};
  }
  if (text.starts_with(kLmtp)) {
    auto to = parse_authority(text, kLmtp, 24);
    if (!to) return std::unexpected(to.error());
    return ViaLmtp{std::move(to->host), to->port, {}};
  }
  if (text.starts_with(kLmtpSocket)) return parse_lmtp_socket(text);
  if (text.starts_with(kPipe)) return parse_pipe(text);
  if (text.starts_with(kMaildir)) {
    auto path = parse_maildir(text, data_dir, TemplateNeeds::user);
    if (!path) return std::unexpected(path.error());
    return ViaMaildir{path->substr(kMaildir.size())};
  }
  return problem(quoted(text) + " is no destination", std::string(kForms));
}

Parsed<std::string> parse_tls_name(std::string_view text) {
  const bool below = text.starts_with('.');
  const auto domain = mail::Domain::parse(below ? text.substr(1) : text);
  if (domain) return (below ? "." : "") + domain->ascii();
  return problem(quoted(text) + " is no name that a certificate could have",
                 "write \"mx.example.net\", or \".example.net\" for any name below it");
}

Parsed<Route> parse_route_pattern(std::string_view text) {
  Route route;
  route.pattern = std::string(text);
  route.subdomains = text.starts_with('.');
  if (text == "*") return route;
  const auto domain = mail::Domain::parse(route.subdomains ? text.substr(1) : text);
  if (!domain)
    return problem(quoted(text) + " is no domain, nor a pattern of domains",
                   "write \"example.net\", \".example.net\" for its subdomains, or \"*\" for all");
  route.domain = *domain;
  return route;
}

}  // namespace postrider::config
