#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "app/access.hpp"
#include "app/backup_files.hpp"
#include "app/certificates.hpp"
#include "app/commands.hpp"
#include "config/config.hpp"
#include "directory/problems.hpp"
#include "directory/registry.hpp"
#include "sys/random.hpp"

namespace postrider::app {
namespace {

// What is wrong with the directory, or between it and the configuration. No fault of the file: the server runs.
void warn_of_directory(const std::shared_ptr<const config::Config>& config) {
  std::error_code error;
  if (!std::filesystem::exists(directory::Registry::file_in(config->data_dir), error)) return;
  const auto owner = AsOwner::of(config->data_dir);
  const auto registry = directory::Registry::open(config->data_dir, sys::system_random());
  const auto snapshot = registry ? (*registry)->load() : std::unexpected(registry.error());
  if (!snapshot) {
    std::cerr << "warning: the directory can't be read: " << snapshot.error().log_text() << '\n';
    return;
  }
  for (const auto& problem : directory::problems(config, *snapshot))
    std::cerr << "warning: " << problem << '\n';
}

// What is wrong with the files that the configuration names.
std::vector<config::Fault> faults_around(const config::Config& config) {
  std::vector<config::Fault> faults;
  const auto denied = denied_paths_of(config.user, needed_paths(config), config.file);
  if (denied)
    std::ranges::transform(*denied, std::back_inserter(faults), &Denied::fault);
  else
    faults.push_back({config.file, 0, 0, denied.error().log_text(), "see getent passwd"});
  // What we can't read ourselves need not be told twice.
  if (::geteuid() == 0 || faults.empty())
    std::ranges::copy(tls_faults(config, true), std::back_inserter(faults));
  return faults;
}

}  // namespace

int check(const std::filesystem::path& config) {
  const auto loaded = config::load(config);
  const auto faults = loaded ? faults_around(**loaded) : loaded.error();
  for (const auto& fault : faults) std::cerr << fault.to_string() << '\n';
  if (!faults.empty()) return 1;
  warn_of_directory(*loaded);
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
