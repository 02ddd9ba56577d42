// The SMTP server: I/O threads, their listeners, and the sessions on them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "receive/services.hpp"
#include "sys/supervisor.hpp"

namespace postrider::receive {

class Server {
 public:
  // Binds every listener of `config` for `threads` (1 to 1024) I/O threads; nothing is accepted yet. May need
  // privileges; nothing after it does. A socket for a listener that is among `inherited` is taken instead.
  static base::Result<std::unique_ptr<Server>> bind(const config::Config& config, std::size_t threads,
                                                    sys::InheritedSockets& inherited);
  // As stop() with no patience.
  ~Server();

  // Listens for programs on this machine, at FOLDER/socket; receive/submit_folder.hpp makes the folder. Before start(), as
  // the user that the server runs as.
  base::Result<void> open_submit(const std::filesystem::path& folder);
  // Accepts from now on. Once. `services` outlives the server.
  void start(Services& services);
  // No new connections; sessions get 421 at their next command, or are cut off after `patience`. Once; blocks.
  void stop(base::Milliseconds patience);

  // Whether each I/O thread gets to a task within `patience`. Any thread but those; blocks.
  bool is_alive(base::Milliseconds patience);

  // "127.0.0.1:2525", with the port that was really bound, in the order of the configuration.
  std::vector<std::string> addresses() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace postrider::receive
