// The subcommands. Each gives the process's exit code and says what is wrong on standard error.
#pragma once

#include <cstdint>
#include <filesystem>

namespace postrider::app {

// Runs the server in the foreground until SIGTERM or SIGINT. 0: stopped gracefully; 1: couldn't start; 75: the
// store broke, a supervisor should start us anew (EX_TEMPFAIL).
int serve(const std::filesystem::path& config);
// 0: the file is good; 1: each fault on a line, "file:line:column: what; how to mend it".
int check(const std::filesystem::path& config);
// A whole server for play, in `folder`, on 127.0.0.1 from `port_base` on.
int demo(const std::filesystem::path& folder, std::uint16_t port_base);
// The keys that the configuration knows, tab-separated: key, type, default, bounds, live or restart.
int config_keys();

}  // namespace postrider::app
