// The parts of `postrider queue`: what the command line said, and one function for each of its commands.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/control_client.hpp"
#include "admin/request.hpp"
#include "config/config.hpp"

namespace postrider::app {

// Exit codes of these commands.
inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;  // or nothing matched
inline constexpr int kUsage = 2;

struct QueueOptions {
  std::filesystem::path config = "/etc/postrider/postrider.toml";
  bool json = false;
  // Whom it is about.
  std::vector<std::string> ids, domains;
  std::optional<std::string> sender, recipient, site, older, younger, state;
  bool all = false;
  // list
  std::uint64_t limit = 100;  // 0: all
  bool offline = false;
  // What changes.
  bool dry_run = false, yes = false;
  std::string reason;
  std::optional<std::string> lasting;
  std::vector<std::uint64_t> suspensions;
};

// Thrown where a command can't go on; caught once, around the command.
struct Stop {
  int code = kRefused;
  std::string why;
};

// Each gives an exit code, or throws Stop. They print to standard output what was asked for, and to standard
// error what is only of use to a person who watches.
int queue_list(const QueueOptions& options);
int queue_show(const QueueOptions& options);
int queue_change(const QueueOptions& options, queue::Change change);
int queue_suspend(const QueueOptions& options);
int queue_resume(const QueueOptions& options);
int queue_sites(const QueueOptions& options);

// --- what they share; all of these may throw Stop ---

// With all faults in the reason, where there are some.
std::shared_ptr<const config::Config> load_config(const std::filesystem::path& file);
// The folder that the configuration names.
std::filesystem::path runtime_dir(const QueueOptions& options);
std::filesystem::path spool_dir(const QueueOptions& options);
boost::json::object ask(const admin::ControlClient& client, const admin::Request& request);

// All of these together are what the options select: one, one for each id, or parts of a site with many domains. `client` is asked for what belongs to a
// site; null: a site can't be told.
std::vector<store::Selection> selections(const QueueOptions& options, const admin::ControlClient* client);
base::Milliseconds duration(std::string_view option, std::string_view text);
// The place behind which the next page begins; nothing at the end.
admin::Place next_place(const boost::json::object& answer);

// Rows of a list in a table for people.
std::vector<std::string> row_cells(const boost::json::object& row, base::UtcTime now);
std::vector<std::string> row_headings();

// One object on one line.
void print_json(const boost::json::object& object);

// Retries page by page what the selection has; gives how many.
std::uint64_t retry_all(const admin::ControlClient& client, const store::Selection& selection);

}  // namespace postrider::app
