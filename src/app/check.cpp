#include <iostream>

#include "app/commands.hpp"
#include "config/config.hpp"

namespace postrider::app {

int check(const std::filesystem::path& config) {
  const auto loaded = config::load(config);
  if (loaded) {
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
