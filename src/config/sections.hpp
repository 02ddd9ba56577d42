// The parts that read one kind of table each, and the checks across them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/section.hpp"

namespace postrider::config {

void read_auth(const Value& root, Config& config, Report& report);
void read_authentication(const Value& root, Config& config, Report& report);
void read_submission(const Value& root, Config& config, Report& report);
// Requires config.queue.
void read_dkim(const Value& root, Config& config, Report& report);
void read_tls(const Value& root, Config& config, Report& report);
// Requires read_auth() and read_tls().
void read_listeners(const Value& root, Config& config, Report& report);
void read_routes(const Value& root, Config& config, Report& report);

// Where in the file the addresses stand that must lead to somebody.
struct Places {
  std::map<std::string, Position> aliases;     // "info@example.com" -> its name
  std::map<std::string, Position> catch_alls;  // domain -> the address
  Position postmaster;
};
// Fills config.domains.
Places read_domains(const Value& root, Config& config, Report& report);

// Aliases, catch-alls and postmaster lead to somebody: no unknown local name, no circle, at most 10 aliases in
// a row. Requires index_domains().
void check_targets(const Config& config, const Places& places, Report& report);

}  // namespace postrider::config
