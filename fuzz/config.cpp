// parse() of any text: no crash, and either a snapshot that keeps its promises or faults that say something.
#include "config/config.hpp"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postrider;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = config::parse(text, "fuzz.toml");
  if (!loaded) {
    if (loaded.error().empty()) __builtin_trap();
    for (const config::Fault& fault : loaded.error())
      if (fault.what.empty() || fault.mend.empty() || fault.to_string().find('\n') != std::string::npos)
        __builtin_trap();
    return 0;
  }
  const config::Config& config = **loaded;
  if (config.listeners.empty()) __builtin_trap();
  if (config.queue.retry.first > config.queue.retry.max) __builtin_trap();
  for (const config::Domain& domain : config.domains) {
    if (config.find_domain(domain.name) != &domain) __builtin_trap();
    for (const std::string& user : domain.users)
      if (user.empty() || user.front() == '.' || user.size() > 64 || user.contains('/')) __builtin_trap();
  }
  for (const config::Route& route : config.routes) {
    if (route.source.size() > 2 || (route.concurrency && *route.concurrency == 0)) __builtin_trap();
    if (route.helo.find_first_of(" \r\n") != std::string::npos) __builtin_trap();
    const auto* pipe = std::get_if<config::ViaPipe>(&route.via);
    if (pipe && (!pipe->program.starts_with('/') || pipe->user == "root")) __builtin_trap();
  }
  const auto stranger = base::IpAddress::parse("198.51.100.1");
  const auto another = base::IpAddress::parse("9.9.9.9");
  for (const base::Network& network : config.networks)
    if (network.contains(*stranger) && network.contains(*another)) __builtin_trap();
  if (!config::restart_differences(config, config).empty()) __builtin_trap();
  return 0;
}
