// The whole directory as a text: TOML, sorted, so that it can be kept in git; and what differs between two of
// them. Pure.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "directory/changes.hpp"
#include "directory/snapshot.hpp"

namespace postrider::directory {

struct Contents {
  std::vector<Domain> domains;  // sorted by name, accounts and aliases within them too
  // By canonical(); only where the text says something of them, and only then are they compared.
  std::map<std::string, StoredCredentials> credentials;
};

// Without credentials none are written.
std::string to_toml(const Contents& contents);

// "sign what: details", one for each domain, account or alias that differs. In the order in which the changes
// must be done.
struct Difference {
  char sign = '~';   // '+' added, '-' removed, '~' changed
  std::string what;  // "domain", "account", "alias"
  std::string name;
  std::vector<std::string> details;  // "quota: 1GiB -> 2GiB"
  std::vector<Change> changes;
};
// What makes `from` become `to`. The credentials of an account that `to` says nothing of stay as they are.
std::vector<Difference> differences(const Contents& from, const Contents& to);

// All faults of the text, or what it says. `name` is what faults call it. Salts of SCRAM keys: those of one
// account are the same.
std::expected<Contents, std::vector<config::Fault>> parse_contents(std::string_view text,
                                                                   std::string_view name);

}  // namespace postrider::directory
