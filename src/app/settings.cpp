#include "app/settings.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "sys/log.hpp"

namespace postrider::app {
namespace {

// Descriptors for what is not a connection: the spool, mailboxes, DNS, couriers, logs.
// A batch of Maildir deliveries may have 1,200 open, refusals that are being said 128.
constexpr std::size_t kOtherDescriptors = 1536;

std::size_t descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::shared_ptr<const config::Config> clamp(std::shared_ptr<const config::Config> config) {
  const std::size_t descriptors = descriptor_limit();
  // A tiny limit still leaves half of it for connections.
  const std::size_t most = std::max(descriptors / 2, descriptors - std::min(descriptors, kOtherDescriptors));
  if (config->limits.connections > most) {
    sys::log::warning(
        "connections_clamped",
        {{"configured", config->limits.connections}, {"connections", most}, {"descriptors", descriptors}});
    auto clamped = std::make_shared<config::Config>(*config);
    clamped->limits.connections = static_cast<std::uint32_t>(most);
    config = std::move(clamped);
  }
  return config;
}

}  // namespace

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return descriptor_limit();
}

Settings::Settings(std::shared_ptr<const config::Config> config) : Settings(std::move(config), nullptr) {}

Settings::Settings(std::shared_ptr<const config::Config> config,
                   std::shared_ptr<const directory::Snapshot> snapshot)
    : snapshot_(std::move(snapshot)) {
  setting_ = make(clamp(std::move(config)), {});
}

receive::Setting Settings::make(std::shared_ptr<const config::Config> config,
                                const directory::SrsSecrets& secrets) const {
  return {.config = config,
          .directory = directory::make_directory(config, snapshot_),
          .forwarding = std::make_shared<policy::Forwarding>(config, secrets, sys::system_clock())};
}

void Settings::set(receive::Setting next) {
  std::lock_guard lock(mutex_);
  setting_ = std::move(next);
}

receive::Setting Settings::get() const {
  std::lock_guard lock(mutex_);
  return setting_;
}

void Settings::reload(const std::filesystem::path& file) {
  auto loaded = config::reload(*get().config, file);
  if (loaded) {
    if (auto faults = fits_(*loaded->config); !faults.empty()) loaded = std::unexpected(std::move(faults));
  }
  if (!loaded) {
    for (const auto& fault : loaded.error()) sys::log::error("config_fault", {{"fault", fault.to_string()}});
    sys::log::error("reload_refused", {{"file", file.string()}, {"faults", loaded.error().size()}});
    return;
  }
  for (const auto& key : loaded->kept) sys::log::warning("needs_restart", {{"key", key}});
  std::lock_guard changing(changing_);
  set(make(clamp(std::move(loaded->config)), get().forwarding->secrets()));
  sys::log::info("reloaded", {{"file", file.string()}});
}

void Settings::set_snapshot(std::shared_ptr<const directory::Snapshot> snapshot) {
  std::lock_guard changing(changing_);
  snapshot_ = std::move(snapshot);
  const auto now = get();
  set(make(now.config, now.forwarding->secrets()));
}

void Settings::set_secrets(directory::SrsSecrets secrets) {
  std::lock_guard changing(changing_);
  set(make(get().config, secrets));
}

}  // namespace postrider::app
