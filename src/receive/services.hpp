// What the receiving side stands on, and the view of the configuration that one session works with.
#pragma once

#include <functional>
#include <memory>

#include "config/config.hpp"
#include "directory/directory.hpp"
#include "net/tls_context.hpp"
#include "policy/forwarding.hpp"
#include "policy/judged.hpp"
#include "policy/recipient_probe.hpp"
#include "policy/sending_counts.hpp"
#include "queue/queue.hpp"
#include "receive/authenticator.hpp"
#include "sys/clock.hpp"
#include "sys/resolver.hpp"

namespace postrider::receive {

// The configuration, and the directory and the forwarding that belong to it. Immutable.
struct Setting {
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const directory::Directory> directory;
  std::shared_ptr<const policy::Forwarding> forwarding{};  // null: what is sent on keeps its sender
};

// Outlives the server. Every member may be used from any thread.
struct Services {
  std::function<Setting()> setting;  // the newest; taken at each connection and each MAIL
  queue::Queue& queue;
  policy::RecipientProbe& probe;
  sys::Clock& clock;
  net::TlsServer* tls = nullptr;             // null, or not ready: no TLS is offered
  Logins* logins = nullptr;                  // null: nobody can log in
  policy::SendingCounts* sending = nullptr;  // null: nobody's limits are kept
  sys::Resolver* resolver = nullptr;         // null: nobody's mail is checked for who sent it
  policy::JudgedObserver* judged = nullptr;  // null: nobody is told of what was checked
};

}  // namespace postrider::receive
