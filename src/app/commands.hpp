// The subcommands. Each gives the process's exit code and says what is wrong on standard error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

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

// sendmail(1): `called` is the name that the program was called by, `words` what follows it. Gives a code of sysexits.h.
int sendmail(std::string_view called, std::span<const std::string_view> words);

// Adds the postmaster's tools, `queue list` and so on. What it gives is to be called after the parsing: the exit code (0:
// done; 1: refused, or nothing matched; 2: usage), or nothing where it was another command.
std::function<std::optional<int>()> add_queue(CLI::App& app);
// The same for `trace`, the timeline for people and scripts.
std::function<std::optional<int>()> add_trace(CLI::App& app);
// The same for `ban`: who is locked out since somebody guessed passwords.
std::function<std::optional<int>()> add_ban(CLI::App& app);
// The same for `metrics`: what monitoring reads.
std::function<std::optional<int>()> add_metrics(CLI::App& app);
// The same for `backup` and `restore`.
std::function<std::optional<int>()> add_backup(CLI::App& app);

// The same for `dmarc`: reports.
std::function<std::optional<int>()> add_dmarc(CLI::App& app);
// The same for `domain`, `account`, `alias` and `directory`: who exists here.
std::function<std::optional<int>()> add_directory(CLI::App& app);
// Adds `resolve ADDRESS`, used in the same way: 0 where mail for it has somewhere to go, 1 where it fails or waits.
std::function<std::optional<int>()> add_resolve(CLI::App& app);

// Adds `verify FILE|-`, used in the same way: what the checks of who sent a message find; its codes are in docs/verify.md.
std::function<std::optional<int>()> add_verify(CLI::App& app);
// The same for `dkim`: the keys that mail of our domains is signed with.
std::function<std::optional<int>()> add_dkim(CLI::App& app);

// Adds `tls probe HOST`, used in the same way: 0 where each of its addresses offers TLS.
std::function<std::optional<int>()> add_tls(CLI::App& app);

}  // namespace postrider::app
