// One domain, prepared for look-ups.
#pragma once

#include <string>
#include <string_view>

#include "directory/records.hpp"

namespace postrider::directory {

// Immutable; any thread. Local parts are compared without regard to ASCII case. Look-ups are binary searches
// in the sorted lists of the record, so that an index costs no memory of its own.
class DomainIndex {
 public:
  explicit DomainIndex(Domain domain) : domain_(std::move(domain)) {}

  const Domain& domain() const { return domain_; }

  // Pointers live as long as the index.
  struct Found {
    const Account* account = nullptr;
    std::string detail;  // of the account; case is kept, as it may name a folder
    const Alias* alias = nullptr;
    bool recipient = false;  // of a relay domain's list
    explicit operator bool() const { return account || alias || recipient; }
  };
  // The whole local part first, then what is left of a separator, the longest first: with accounts "a-b" and "a"
  // and separator "-", "a-b-c" is detail "c" of "a-b".
  Found find(std::string_view local) const;
  // "postmaster" or "abuse", also with a detail; empty for another local part. RFC 5321 4.5.1, RFC 2142 4
  std::string_view role(std::string_view local) const;

 private:
  Found find_whole(std::string_view name) const;
  // Calls `take(name, detail)` for each way to read a lower-case local part until it gives true.
  template <class Take>
  void split(std::string_view local, Take&& take) const;

  Domain domain_;
};

}  // namespace postrider::directory
