// The parts of `postrider domain`, `account`, `alias` and `directory`: what the command line said, and one
// function for each of its commands. Exit codes and Stop are those of queue_tools.hpp.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "app/backup_files.hpp"
#include "app/queue_tools.hpp"
#include "directory/directory.hpp"
#include "directory/registry.hpp"
#include "directory/values.hpp"

namespace postrider::app {

struct DirectoryOptions {
  std::filesystem::path config = "/etc/postrider/postrider.toml";
  bool json = false;
  bool force = false;
  std::string name;                   // a domain, or an address
  std::optional<std::string> domain;  // of a list: only this one
  // What is set; what is absent stays as it is.
  std::optional<std::string> kind, state, separator, catch_all, quota;
  std::vector<std::string> recipients, send_as, to;
  std::array<std::optional<std::uint32_t>, directory::kLimitNames.size()> limits;
  bool no_catch_all = false, ask_next_hop = false, no_send_as = false, scram = false, no_scram = false;
  // Of a list of targets: what comes to it and what goes.
  std::vector<std::string> add, remove;
  // Passwords.
  bool from_stdin = false, no_password = false;
  std::optional<std::string> hash;
  std::string app_password;
  // export and import
  std::string file;
  bool with_credentials = false, dry_run = false, yes = false;
};

int domain_add(const DirectoryOptions& options);
int domain_set(const DirectoryOptions& options);
int domain_list(const DirectoryOptions& options);
int domain_show(const DirectoryOptions& options);
int domain_remove(const DirectoryOptions& options);
int account_add(const DirectoryOptions& options);
int account_set(const DirectoryOptions& options);
int account_list(const DirectoryOptions& options);
int account_show(const DirectoryOptions& options);
int account_remove(const DirectoryOptions& options);
int account_passwd(const DirectoryOptions& options);
int app_password_add(const DirectoryOptions& options);
int app_password_list(const DirectoryOptions& options);
int app_password_remove(const DirectoryOptions& options);
int alias_add(const DirectoryOptions& options);
int alias_set(const DirectoryOptions& options);
int alias_list(const DirectoryOptions& options);
int alias_show(const DirectoryOptions& options);
int alias_remove(const DirectoryOptions& options);
int directory_export(const DirectoryOptions& options);
int directory_import(const DirectoryOptions& options);

// --- what they share; all of these may throw Stop ---

template <class T>
T taken(base::Result<T> result) {
  if (!result) throw Stop{kRefused, result.error().log_text()};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
// A value of the command line.
template <class T>
T parsed(config::Parsed<T> value, std::string_view option) {
  if (!value) throw Stop{kUsage, std::string(option) + ": " + value.error().what + "; " + value.error().mend};
  return std::move(*value);
}

// The configuration, the directory's database, and what it held a moment ago. As root it is opened as the
// owner of data_dir.
class DirectoryDesk {
 public:
  explicit DirectoryDesk(const std::filesystem::path& config);

  const std::shared_ptr<const config::Config>& config() const { return config_; }
  directory::Registry& registry() { return *registry_; }
  const directory::Snapshot& snapshot() const { return *snapshot_; }
  std::shared_ptr<const directory::Snapshot> shared_snapshot() const { return snapshot_; }

  // Null where the database has none of that name.
  const directory::Domain* find(const mail::Domain& name) const;
  // Refuses a domain that is not there, or is the configuration's.
  const directory::Domain& need(const mail::Domain& name) const;
  const directory::Account& need_account(const mail::Address& address) const;
  // Computes changes from the snapshot and makes them; again where somebody else was quicker. `force`: also
  // where they break something.
  void change(const std::function<std::vector<directory::Change>()>& compute, bool force = false);
  // Once, from the snapshot at hand.
  void apply(const std::vector<directory::Change>& changes);

 private:
  std::shared_ptr<const config::Config> config_;
  std::optional<AsOwner> owner_;
  std::unique_ptr<directory::Registry> registry_;
  std::shared_ptr<const directory::Snapshot> snapshot_;
};

mail::Address account_address(const std::string& text);
mail::Address alias_address(const std::string& text);
mail::Domain domain_name(const std::string& text);
// Domains of the configuration and of the database, as the server sees them; `only`: of this name.
struct Listed {
  directory::Domain domain;
  bool configured = false;
};
// Where it stands.
inline const char* source(bool configured) { return configured ? "configuration" : "directory"; }
std::vector<Listed> all_domains(const DirectoryDesk& desk, const std::optional<std::string>& only);

// Takes the address out of all that leads there; without `force` refuses where anything does.
std::vector<directory::Change> detached(const DirectoryDesk& desk, const mail::Address& address, bool force);

boost::json::object to_json(const directory::Domain& domain);
boost::json::object to_json(const mail::Address& address, const directory::Account& account);
boost::json::object to_json(const mail::Address& address, const directory::Alias& alias);
std::string quota_text(const std::optional<std::uint64_t>& quota);
std::string joined(const std::vector<std::string>& list);
std::vector<std::string> texts(const std::vector<mail::Address>& addresses);
// "added", "changed", "removed" and what it is now.
void say(const DirectoryOptions& options, std::string_view what, boost::json::object object);
// At most 20, one a line.
std::string listed(const std::vector<std::string>& lines);

// The password that a person types twice, or the first line of standard input. Already prepared.
std::string read_new_password(bool from_stdin);
bool has_terminal();
// The change that gives the account this (prepared) password.
directory::Change new_password(DirectoryDesk& desk, const mail::Address& address, bool scram,
                               const std::string& password);

}  // namespace postrider::app
