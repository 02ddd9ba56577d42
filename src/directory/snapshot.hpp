// What the directory's database held at one time.
#pragma once

#include <cstdint>
#include <vector>

#include "directory/domain_index.hpp"

namespace postrider::directory {

// Immutable; any thread; nothing in it blocks. No credentials are in it, and no index beside the sorted records.
class Snapshot {
 public:
  // `domains` sorted by name.
  Snapshot(std::vector<Domain> domains, std::uint64_t generation);

  // Grows with every change of the database.
  std::uint64_t generation() const { return generation_; }
  const std::vector<DomainIndex>& domains() const { return domains_; }
  // Null where it is none of ours.
  const DomainIndex* find(const mail::Domain& name) const;

 private:
  std::uint64_t generation_;
  std::vector<DomainIndex> domains_;
};

}  // namespace postrider::directory
