// What is wrong with a directory as a whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "directory/changes.hpp"
#include "directory/directory.hpp"

namespace postrider::directory {

// Aliases and catch-alls that lead to nobody, in a circle, to too many, or over too many steps; domains that
// the configuration has too. One line each. Walks through everything.
std::vector<std::string> problems(std::shared_ptr<const config::Config> config,
                                  std::shared_ptr<const Snapshot> snapshot);

// What of the database leads to `account` (exactly this address), or to anything in `domain`: by name, for people.
std::vector<std::string> pointing_at(const Snapshot& snapshot, const mail::Address& account);
std::vector<std::string> pointing_at(const Snapshot& snapshot, const mail::Domain& domain);
// The changes after which nothing of the database leads there: targets are taken out, and aliases that would
// have none left removed.
std::vector<Change> detach(const Snapshot& snapshot, const mail::Address& account);
std::vector<Change> detach(const Snapshot& snapshot, const mail::Domain& domain);

}  // namespace postrider::directory
