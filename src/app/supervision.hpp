// What the supervisor that started us wants to hear while we run.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <string>

#include "receive/server.hpp"
#include "sys/supervisor.hpp"

namespace postrider::app {

// The main thread's.
class Supervision {
 public:
  // Says that the server is ready. Both outlive it.
  Supervision(sys::Supervisor& supervisor, receive::Server& server);

  // As sigwaitinfo(). Meanwhile it calls `look` every `pause` or so, and tells that we are alive, as long as the I/O threads
  // are.
  int wait_for(const sigset_t& signals, std::chrono::seconds pause, const std::function<void()>& look);
  // Says so before, and when it is done.
  void reload(const std::function<void()>& reload);

 private:
  std::string status() const;
  sys::Supervisor& supervisor_;
  receive::Server& server_;
  std::chrono::steady_clock::time_point looked_;
};

}  // namespace postrider::app
