// The setting in force, swapped whole on reload.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <vector>

#include "receive/services.hpp"

namespace postrider::app {

// Any thread.
class Settings {
 public:
  // Connections are clamped to what the descriptor limit of this process allows, and that is logged.
  explicit Settings(std::shared_ptr<const config::Config> config);
  // The same with what the directory's database held; null: nothing.
  Settings(std::shared_ptr<const config::Config> config, std::shared_ptr<const directory::Snapshot> snapshot);

  receive::Setting get() const;
  // Whether a configuration that is read again fits this process; each fault keeps it out. Once, before reload().
  using Fits = std::function<std::vector<config::Fault>(const config::Config&)>;
  void admit_only(Fits fits) { fits_ = std::move(fits); }
  // Reads the file again. With a fault nothing changes and each fault is logged; keys that need a restart keep
  // their old value and are named in the log.
  void reload(const std::filesystem::path& file);
  // From now on this is what the directory's database holds.
  void set_snapshot(std::shared_ptr<const directory::Snapshot> snapshot);
  // From now on what is sent on is rewritten with the first of these.
  void set_secrets(directory::SrsSecrets secrets);

 private:
  receive::Setting make(std::shared_ptr<const config::Config> config,
                        const directory::SrsSecrets& secrets) const;
  void set(receive::Setting next);

  mutable std::mutex mutex_;
  std::mutex changing_;  // held by whoever makes a new setting, so that none is made from an old half
  std::shared_ptr<const directory::Snapshot> snapshot_;
  receive::Setting setting_;
  Fits fits_ = [](const config::Config&) { return std::vector<config::Fault>(); };
};

// Raises the soft descriptor limit to the hard one; gives what is in force then.
std::size_t raise_descriptor_limit();

}  // namespace postrider::app
