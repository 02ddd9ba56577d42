#include <map>

#include "config/sections.hpp"

namespace postrider::config {

void read_routes(const Value& root, Config& config, Report& report) {
  std::map<std::string, Position> seen;
  const auto via = [&](std::string_view text) { return parse_via(text, config.data_dir.string()); };
  for (const Value* table : tables_of(root, "route", report)) {
    Section section(*table, "route[].", report);
    Route route;
    const bool named = section.require("domain") && section.read("domain", route, parse_route_pattern);
    if (section.require("via")) section.read("via", route.via, via);
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
