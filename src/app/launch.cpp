#include "app/launch.hpp"

#include "admin/control_server.hpp"
#include "app/access.hpp"
#include "app/privileges.hpp"
#include "sys/log.hpp"
#include "sys/supervisor.hpp"

namespace postrider::app {
namespace {

// The folders of our own are made while we are root. Mailboxes elsewhere too, as far as that goes.
base::Result<void> make_folders(const config::Config& config) {
  if (auto made = make_data_dir(config); !made) return made;
  for (const auto& needed : needed_paths(config)) {
    if (needed.use != Use::write) continue;
    const auto made = make_folder_for(needed.path, config.user);
    if (!made && needed.vital) return made;
  }
  return {};
}

base::Result<void> check_access(const config::Config& config) {
  for (const auto& denied : denied_paths(needed_paths(config), config.file)) {
    if (denied.what.vital) return base::permanent({5, 3, 5}, denied.fault.to_string());
    sys::log::warning("no_access", {{"fault", denied.fault.to_string()}});
  }
  return {};
}

// From root with all its rights to what a mail server needs.
base::Result<Confinement> step_down(const config::Config& config) {
  if (const auto made = make_folders(config); !made) return std::unexpected(made.error());
  if (const auto became = become(config.user); !became) return std::unexpected(became.error());
  if (const auto access = check_access(config); !access) return std::unexpected(access.error());
  return Confinement::enter(config);
}

base::Result<void> refuse_what_is_left(const sys::InheritedSockets& inherited) {
  const auto left = inherited.left();
  if (left.empty()) return {};
  return base::permanent(
      {5, 3, 5}, "a socket was passed that no [[listener]] has, nor is the control socket (" + left.front() +
                     "); take it out of the .socket unit, or add the listener");
}

}  // namespace

base::Result<Launched> launch(const config::Config& config, std::size_t threads) {
  auto inherited = sys::InheritedSockets::of_environment();
  auto server = receive::Server::bind(config, threads, inherited);
  if (!server) return std::unexpected(server.error());
  std::unique_ptr<admin::HttpServer> http;
  if (config.http.address) {
    auto bound = admin::HttpServer::bind(*config.http.address, config.http.port);
    if (!bound) return std::unexpected(bound.error());
    http = std::move(*bound);
  }
  auto control_socket = inherited.take(admin::control_path(config.runtime_dir));
  if (const auto known = refuse_what_is_left(inherited); !known) return std::unexpected(known.error());
  auto confinement = step_down(config);
  if (!confinement) return std::unexpected(confinement.error());
  confinement->tell();
  return Launched{std::move(*server), std::move(http), std::move(control_socket), std::move(*confinement)};
}

}  // namespace postrider::app
