#include "directory/domain_index.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::directory {

template <class Take>
void DomainIndex::split(std::string_view local, Take&& take) const {
  const std::string& separator = domain_.separator;
  if (take(local, std::string_view()) || separator.empty()) return;
  for (auto cut = local.rfind(separator); cut != std::string_view::npos && cut > 0;
       cut = local.rfind(separator, cut - 1))
    if (take(local.substr(0, cut), local.substr(cut + separator.size()))) return;
}

DomainIndex::Found DomainIndex::find_whole(std::string_view name) const {
  Found found;
  found.account = find_account(domain_, name);
  found.alias = find_alias(domain_, name);
  found.recipient = domain_.recipients && std::ranges::binary_search(*domain_.recipients, name);
  return found;
}

DomainIndex::Found DomainIndex::find(std::string_view local) const {
  Found found;
  split(base::lower(local), [&](std::string_view name, std::string_view detail) {
    found = find_whole(name);
    if (found.account) found.detail = local.substr(local.size() - detail.size());
    return static_cast<bool>(found);
  });
  return found;
}

std::string_view DomainIndex::role(std::string_view local) const {
  std::string_view found;
  split(base::lower(local), [&](std::string_view name, std::string_view) {
    for (const std::string_view role : {"postmaster", "abuse"})
      if (name == role) found = role;
    // A user "abuse-team" is not abuse with a detail.
    return !found.empty() || find_whole(name);
  });
  return found;
}

}  // namespace postrider::directory
