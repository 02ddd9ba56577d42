// One domain of the configuration, prepared for look-ups by hash.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/config.hpp"

namespace postrider::directory {

// Points into the domain, which outlives it. Local parts are compared without regard to ASCII case.
class DomainIndex {
 public:
  explicit DomainIndex(const config::Domain& domain);
  DomainIndex(DomainIndex&&) = default;

  const config::Domain& domain() const { return *domain_; }

  struct User {
    std::string_view name;
    std::string detail;
  };
  struct Alias {
    std::string_view name;
    const std::vector<mail::Address>* targets = nullptr;
  };
  struct Found {
    std::optional<User> user;
    std::optional<Alias> alias;
    bool recipient = false;  // of a relay domain's list
    explicit operator bool() const { return user || alias || recipient; }
  };
  // The whole local part first, then what is left of a separator, the longest first: with users "a-b" and "a"
  // and separator "-", "a-b-c" is detail "c" of "a-b".
  Found find(std::string_view local) const;
  // "postmaster" or "abuse", also with a detail; empty for another local part. RFC 5321 4.5.1, RFC 2142 4
  std::string_view role(std::string_view local) const;

 private:
  Found find_whole(const std::string& name) const;
  // Calls `take(name, detail)` for each way to read a lower-case local part until it gives true.
  template <class Take>
  void split(const std::string& local, Take&& take) const;

  const config::Domain* domain_;
  std::unordered_set<std::string_view> users_;
  std::unordered_set<std::string_view> recipients_;
  std::unordered_map<std::string_view, const std::vector<mail::Address>*> aliases_;
};

}  // namespace postrider::directory
