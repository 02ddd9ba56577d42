// What started us (systemd, or another that does the same): it may want to hear how we do, sd_notify(3), and may have
// opened our sockets already, sd_listen_fds(3).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "sys/descriptor.hpp"

namespace postrider::sys {

// Datagrams to $NOTIFY_SOCKET; without one, nothing is sent. One thread at a time; never blocks, and nobody waits
// for an answer.
class Supervisor {
 public:
  // Takes what concerns it out of the environment, so that no program that we start takes it for its own. Requires one
  // thread, and that no confinement is in force yet: the socket may be in a place that is none of ours later.
  static Supervisor of_environment();

  void ready(std::string_view status);
  void reloading();  // ready() follows when it is done, whatever came of it
  void stopping();
  void alive();
  // How often it wants to hear that we are alive, at the latest; empty: it does not.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

 private:
  void tell(const std::string& state);
  Descriptor socket_;
  std::string address_;
  std::optional<std::chrono::microseconds> watchdog_;
};

// Listening stream sockets that we were given.
class InheritedSockets {
 public:
  // Descriptors from 3 on, as many as $LISTEN_FDS says, where $LISTEN_PID is us. As for the supervisor.
  static InheritedSockets of_environment();

  // The socket for an address and port, or for a path. Empty: there is none.
  Descriptor take(const base::IpAddress& address, std::uint16_t port);
  Descriptor take(const std::filesystem::path& path);
  // Those that were not taken: `what` each is, and what is odd about it: "descriptor 3: 127.0.0.1:2525".
  std::vector<std::string> left() const;

 private:
  struct One {
    Descriptor socket;
    std::string name;     // "127.0.0.1:25", "[::]:25", a path; empty: nothing that can be listened on
    std::string trouble;  // why it can't be used; empty: it can
  };
  static One look_at(int fd);
  Descriptor take_named(const std::string& name);
  std::vector<One> all_;
};

}  // namespace postrider::sys
