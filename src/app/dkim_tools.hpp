// The parts of `postrider dkim`: what the command line said, and one function for each of its commands. Exit codes and Stop are
// those of queue_tools.hpp.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/directory_tools.hpp"
#include "directory/dkim_keys.hpp"
#include "sys/resolver.hpp"
#include "wire/dkim/key_choice.hpp"
#include "wire/dkim/keys.hpp"
#include "wire/dkim/new_key.hpp"

namespace postrider::app {

struct DkimOptions {
  std::filesystem::path config = "/etc/postrider/postrider.toml";
  bool json = false;
  bool force = false;
  std::string domain;    // empty, of a list: all
  std::string selector;  // empty: chosen, of `remove` all
  std::string algorithm = "both";
  int rsa_bits = wire::dkim::kNewRsaBits;
  bool records = false;  // list: the records too
  bool no_dns = false;   // list: don't ask
};

int dkim_add(const DkimOptions& options);
int dkim_list(const DkimOptions& options);
int dkim_rotate(const DkimOptions& options);
int dkim_remove(const DkimOptions& options);

// --- what they share; all of these may throw Stop ---

// A key with what its files say.
struct KnownKey {
  mail::Domain domain;
  directory::DkimKey listed;
  base::Result<wire::dkim::PrivateKey> key;  // a failure: its file is damaged, or away
};
std::vector<KnownKey> known_keys(const directory::DkimFolder& folder, const mail::Domain& domain);

// Makes keys, both algorithms or one, and puts them on the domain's list. `selector`: empty, or what they are called by.
struct NewKeys {
  std::string selector;
  std::vector<wire::dkim::KeyType> types;
  int rsa_bits = wire::dkim::kNewRsaBits;
  directory::DkimState state = directory::DkimState::published;
};
std::vector<KnownKey> make_keys(const directory::DkimFolder& folder, const mail::Domain& domain,
                                const NewKeys& wanted, base::UtcTime now);

// "rsa-202611._domainkey.example.com", and what is to stand there.
std::string record_name(const mail::Domain& domain, std::string_view selector);
std::string record_text(const wire::dkim::PrivateKey& key);
// As a line of a zone file, in strings of at most 255 octets. RFC 1035 3.3.14, RFC 6376 3.6.2.2
std::string zone_line(std::string_view name, std::string_view text);

// What the DNS has for a key.
struct InDns {
  enum class State : std::uint8_t { right, missing, other, unknown };
  State state = State::unknown;
  std::string words;  // for people
};
std::string_view to_string(InDns::State state);
InDns judge_record(const wire::dkim::KeyAnswer& answer, const wire::dkim::PrivateKey& key);

// Asks the DNS of the configuration.
class DkimDns {
 public:
  explicit DkimDns(const config::Config& config);
  // All at once, 10 s at most.
  std::vector<InDns> ask(const std::vector<KnownKey>& keys);

 private:
  std::unique_ptr<sys::Resolver> resolver_;
};

// What keeps a retired key: so long may mail that it signed be on its way. Our queue's time, and two days of the next one's.
base::Milliseconds kept_for(const config::Config& config);

// The key as an object of --json; `dns`: null where it was not asked.
boost::json::object to_json(const KnownKey& key, const InDns* dns);
// Name, type, value and zone line of each, for people.
void print_records(const std::vector<KnownKey>& keys);
// "postrider dkim rotate example.com", with --config where that is not the usual file.
std::string command_line(const DkimOptions& options, std::string_view command, const mail::Domain& domain);
std::string day_text(base::UtcTime time);

// All that changes keys: the configuration, the directory, the lock.
class DkimDesk {
 public:
  explicit DkimDesk(const DkimOptions& options)
      : directory_(options.config),
        domain_(domain_name(options.domain)),
        folder_(directory_.config()->data_dir),
        lock_(taken(folder_.lock())) {}
  const config::Config& config() const { return *directory_.config(); }
  const DirectoryDesk& directory() const { return directory_; }
  const mail::Domain& domain() const { return domain_; }
  const directory::DkimFolder& folder() const { return folder_; }

 private:
  DirectoryDesk directory_;  // first: root is the owner of data_dir from then on
  mail::Domain domain_;
  directory::DkimFolder folder_;
  sys::Descriptor lock_;
};

}  // namespace postrider::app
