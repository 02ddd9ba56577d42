// The start of the server as far as it is root's: ports and folders; then no more rights than a mail server needs.
#pragma once

#include <memory>

#include "admin/http_server.hpp"
#include "app/confinement.hpp"
#include "receive/server.hpp"
#include "sys/descriptor.hpp"

namespace postrider::app {

struct Launched {
  std::unique_ptr<receive::Server> server;  // its ports are open
  std::unique_ptr<admin::HttpServer> http;  // so is its port; null where none is configured
  sys::Descriptor control_socket;           // where one was passed
  Confinement confinement;                  // in force
};

// Requires one thread. `threads` are those of the server. Failure: permanent 5.3.5.
base::Result<Launched> launch(const config::Config& config, std::size_t threads);

}  // namespace postrider::app
