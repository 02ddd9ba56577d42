#include <algorithm>
#include <map>

#include "config/sections.hpp"

namespace postrider::config {
namespace {

bool is_by_network(const Via& via) {
  const auto* lmtp = std::get_if<ViaLmtp>(&via);
  return std::holds_alternative<ViaMx>(via) || std::holds_alternative<ViaSmtp>(via) ||
         (lmtp != nullptr && lmtp->path.empty());
}

bool has_site(const Via& via) {
  return is_by_network(via) || std::holds_alternative<ViaLmtp>(via) || std::holds_alternative<ViaPipe>(via);
}

void refuse(Section& section, std::string_view key, std::string_view why, std::string_view mend) {
  if (section.has(key))
    section.report().add(section.at(key), '"' + std::string(key) + "\" " + std::string(why), mend);
}

void check_sources(Section& section, const std::vector<base::IpAddress>& sources) {
  const auto v4 = std::ranges::count_if(sources, &base::IpAddress::is_v4);
  if (v4 > 1 || static_cast<std::ptrdiff_t>(sources.size()) - v4 > 1)
    section.report().add(section.at("source"), "more than one address of a family to send from",
                         "give at most one of IPv4 and one of IPv6, or make several routes");
}

// What is trusted to be the other server.
void read_tls_terms(Section& section, Route& route) {
  if (section.has("tls")) {
    TlsLevel level = TlsLevel::may;
    section.read("tls", level);
    route.tls = level;
  }
  section.read_one_or_list("tls_names", route.tls_names, parse_tls_name);
  if (section.has("tls_names") && route.tls != TlsLevel::verify)
    section.report().add(section.at("tls_names"), "names are looked at only where they are verified",
                         "add tls = \"verify\", or take it out");
}

// How mail is sent from here.
void read_terms(Section& section, Route& route) {
  section.read_one_or_list("source", route.source, parse_source);
  check_sources(section, route.source);
  section.read("helo", route.helo, parse_helo);
  if (section.has("concurrency")) {
    std::uint32_t concurrency = 0;
    section.read("concurrency", concurrency);
    if (concurrency != 0) route.concurrency = concurrency;
  }
  section.read("max_per_minute", route.max_per_minute);
  read_tls_terms(section, route);
  if (!is_by_network(route.via)) {
    for (const std::string_view key : {"source", "helo", "tls", "tls_names"})
      refuse(section, key, "belongs to routes that connect over the network",
             "take it out, or use via = \"mx\", \"smtp://host\" or \"lmtp://host\"");
  }
  if (!has_site(route.via)) {
    for (const std::string_view key : {"concurrency", "max_per_minute"})
      refuse(section, key, "belongs to routes to servers and programs", "take it out");
  }
}

void read_pipe(Section& section, Route& route) {
  auto* pipe = std::get_if<ViaPipe>(&route.via);
  if (pipe == nullptr) {
    for (const std::string_view key : {"arguments", "user", "time_limit"})
      refuse(section, key, "belongs to routes to programs",
             "take it out, or use via = \"pipe:/path/of/a/program\"");
    return;
  }
  section.read_list("arguments", pipe->arguments, parse_argument);
  section.read("user", pipe->user, parse_pipe_user);
  section.read("time_limit", pipe->time_limit);
}

}  // namespace

void read_routes(const Value& root, Config& config, Report& report) {
  std::map<std::string, Position> seen;
  const auto via = [&](std::string_view text) { return parse_via(text, config.data_dir.string()); };
  for (const Value* table : tables_of(root, "route", report)) {
    Section section(*table, "route[].", report);
    Route route;
    const bool named = section.require("domain") && section.read("domain", route, parse_route_pattern);
    if (section.require("via") && section.read("via", route.via, via)) {
      read_terms(section, route);
      read_pipe(section, route);
    }
    if (!named) continue;
    const std::string pattern = route.domain ? (route.subdomains ? "." : "") + route.domain->ascii() : "*";
    const auto all = seen.find("*");
    const auto hides = all != seen.end() ? all : seen.find(pattern);
    if (hides != seen.end())
      report.add(section.at("domain"),
                 "this route is never reached: the one in line " + std::to_string(hides->second.line) +
                     " takes its mail, as the first match wins",
                 "put it above that line, or take it out");
    seen.emplace(pattern, section.at("domain"));
    config.routes.push_back(std::move(route));
  }
}

}  // namespace postrider::config
