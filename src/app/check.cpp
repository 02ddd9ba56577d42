#include <iostream>

#include "app/access.hpp"
#include "app/commands.hpp"
#include "config/config.hpp"

namespace postrider::app {

int check(const std::filesystem::path& config) {
  const auto loaded = config::load(config);
  if (loaded) {
    const auto denied = denied_paths_of((*loaded)->user, needed_paths(**loaded), config.string());
    if (!denied) std::cerr << config.string() << ": " << denied.error().log_text() << "; see getent passwd\n";
    if (!denied) return 1;
    for (const auto& one : *denied) std::cerr << one.fault.to_string() << '\n';
    if (!denied->empty()) return 1;
    std::cout << config.string() << ": good\n";
    return 0;
  }
  for (const auto& fault : loaded.error()) std::cerr << fault.to_string() << '\n';
  return 1;
}

int config_keys() {
  for (const auto& key : config::keys()) {
    std::cout << key.name << '\t' << key.type << '\t' << key.fallback << '\t' << key.bounds << '\t'
              << (key.live ? "live" : "restart") << '\n';
  }
  return 0;
}

}  // namespace postrider::app
