#include <iostream>

#include "app/certificates.hpp"
#include "app/commands.hpp"
#include "config/config.hpp"

namespace postrider::app {

int check(const std::filesystem::path& config) {
  const auto loaded = config::load(config);
  const auto faults = loaded ? tls_faults(**loaded, true) : loaded.error();
  for (const auto& fault : faults) std::cerr << fault.to_string() << '\n';
  if (!faults.empty()) return 1;
  std::cout << config.string() << ": good\n";
  return 0;
}

int config_keys() {
  for (const auto& key : config::keys()) {
    std::cout << key.name << '\t' << key.type << '\t' << key.fallback << '\t' << key.bounds << '\t'
              << (key.live ? "live" : "restart") << '\n';
  }
  return 0;
}

}  // namespace postrider::app
