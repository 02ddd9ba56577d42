#include "directory/domain_index.hpp"

#include "base/ascii.hpp"

namespace postrider::directory {

DomainIndex::DomainIndex(const config::Domain& domain) : domain_(&domain) {
  users_.insert(domain.users.begin(), domain.users.end());
  if (domain.recipients) recipients_.insert(domain.recipients->begin(), domain.recipients->end());
  for (const auto& [name, targets] : domain.aliases) aliases_.emplace(name, &targets);
}

template <class Take>
void DomainIndex::split(const std::string& local, Take&& take) const {
  const std::string& separator = domain_->separator;
  if (take(local, std::string()) || separator.empty()) return;
  for (auto cut = local.rfind(separator); cut != std::string::npos && cut > 0;
       cut = local.rfind(separator, cut - 1))
    if (take(local.substr(0, cut), local.substr(cut + separator.size()))) return;
}

DomainIndex::Found DomainIndex::find_whole(const std::string& name) const {
  Found found;
  if (const auto user = users_.find(name); user != users_.end()) found.user = User{*user, {}};
  if (const auto alias = aliases_.find(name); alias != aliases_.end())
    found.alias = Alias{alias->first, alias->second};
  found.recipient = recipients_.contains(name);
  return found;
}

DomainIndex::Found DomainIndex::find(std::string_view local) const {
  Found found;
  split(base::lower(local), [&](const std::string& name, const std::string& detail) {
    found = find_whole(name);
    // Case of a detail is kept: it may name a folder.
    if (found.user) found.user->detail = local.substr(local.size() - detail.size());
    return static_cast<bool>(found);
  });
  return found;
}

std::string_view DomainIndex::role(std::string_view local) const {
  std::string_view found;
  split(base::lower(local), [&](const std::string& name, const std::string&) {
    for (const std::string_view role : {"postmaster", "abuse"})
      if (name == role) found = role;
    // A user "abuse-team" is not abuse with a detail.
    return !found.empty() || find_whole(name);
  });
  return found;
}

}  // namespace postrider::directory
