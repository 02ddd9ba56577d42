#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <optional>

#include "app/access.hpp"
#include "app/backup_files.hpp"
#include "app/certificates.hpp"
#include "app/commands.hpp"
#include "app/directory_tools.hpp"
#include "config/config.hpp"
#include "directory/problems.hpp"
#include "directory/registry.hpp"
#include "policy/signing_keys.hpp"
#include "sys/random.hpp"

namespace postrider::app {
namespace {

using Snapshot = std::shared_ptr<const directory::Snapshot>;

// Null where there is none, or it can't be read.
Snapshot read_directory(const config::Config& config) {
  std::error_code error;
  if (!std::filesystem::exists(directory::Registry::file_in(config.data_dir), error)) return {};
  const auto registry = directory::Registry::open(config.data_dir, sys::system_random());
  auto snapshot = registry ? (*registry)->load() : std::unexpected(registry.error());
  if (snapshot) return *std::move(snapshot);
  std::cerr << "warning: the directory can't be read: " << snapshot.error().log_text() << '\n';
  return {};
}

// Whose mailboxes are here, and whose mail is not signed.
std::vector<std::string> unsigned_domains(const config::Config& config, const Snapshot& snapshot,
                                          const policy::SigningKeys& keys) {
  std::vector<std::string> names;
  const auto add = [&](const mail::Domain& name, config::DomainKind kind) {
    if (kind == config::DomainKind::local && !keys.of(name) &&
        std::ranges::find(config.dkim.except, name) == config.dkim.except.end())
      names.push_back(name.ascii());
  };
  for (const auto& domain : config.domains) add(domain.name, domain.kind);
  if (snapshot)
    for (const auto& index : snapshot->domains())
      if (!config.find_domain(index.domain().name)) add(index.domain().name, index.domain().kind);
  return names;
}

void warn_of_signing(const config::Config& config, const Snapshot& snapshot) {
  if (!config.dkim.sign) return;
  const auto loaded =
      policy::SigningKeys::load(directory::DkimFolder(config.data_dir), {}, policy::SigningKeys::Read::all);
  for (const auto& fault : loaded.faults) std::cerr << "warning: a DKIM key can't be used: " << fault << '\n';
  const auto names = unsigned_domains(config, snapshot, loaded.keys);
  if (!names.empty())
    std::cerr << "warning: mail is not signed (DKIM) where postrider dkim list has no key that signs:"
              << listed(names) << '\n';
  if (loaded.keys.size() > 0 && !loaded.keys.of(config.hostname))
    std::cerr << "warning: notifications are not signed (DKIM): no key of " << config.hostname.ascii()
              << ", or of a domain above it, signs\n";
}

// What is wrong with what the server finds in data_dir, or between it and the configuration. No fault of the file: the server
// runs.
void warn_of_data(const std::shared_ptr<const config::Config>& config) {
  std::error_code error;
  std::optional<base::Result<AsOwner>> owner;
  if (std::filesystem::exists(config->data_dir, error)) owner.emplace(AsOwner::of(config->data_dir));
  const auto snapshot = read_directory(*config);
  if (snapshot)
    for (const auto& problem : directory::problems(config, snapshot))
      std::cerr << "warning: " << problem << '\n';
  warn_of_signing(*config, snapshot);
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
  warn_of_data(*loaded);
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
