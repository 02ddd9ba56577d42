#include "directory/snapshot.hpp"

#include <algorithm>

namespace postrider::directory {

Snapshot::Snapshot(std::vector<Domain> domains, std::uint64_t generation) : generation_(generation) {
  domains_.reserve(domains.size());
  for (Domain& domain : domains) domains_.emplace_back(std::move(domain));
}

const DomainIndex* Snapshot::find(const mail::Domain& name) const {
  const auto by_name = [](const DomainIndex& index) -> const mail::Domain& { return index.domain().name; };
  const auto found = std::ranges::lower_bound(domains_, name, {}, by_name);
  return found != domains_.end() && found->domain().name == name ? &*found : nullptr;
}

}  // namespace postrider::directory
