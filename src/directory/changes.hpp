// What can be changed in the directory, as values.
#pragma once

#include <string>
#include <variant>

#include "directory/credential.hpp"
#include "directory/records.hpp"

namespace postrider::directory {

// Adds it, or changes the one of that name. Its accounts and aliases are not looked at.
struct PutDomain {
  Domain domain;
};
// With all that is in it.
struct RemoveDomain {
  mail::Domain name;
};
struct PutAccount {
  mail::Domain domain;
  Account account;
};
struct RemoveAccount {
  mail::Domain domain;
  std::string name;
};
struct PutAlias {
  mail::Domain domain;
  Alias alias;
};
struct RemoveAlias {
  mail::Domain domain;
  std::string name;
};
// No password: nobody logs in with one (but with an app password).
struct SetPassword {
  mail::Domain domain;
  std::string account;
  std::optional<StoredPassword> password;
};
// Adds it, or changes the one of that name.
struct PutAppPassword {
  mail::Domain domain;
  std::string account;
  StoredAppPassword app_password;
};
struct RemoveAppPassword {
  mail::Domain domain;
  std::string account;
  std::string name;
};

using Change = std::variant<PutDomain, RemoveDomain, PutAccount, RemoveAccount, PutAlias, RemoveAlias,
                            SetPassword, PutAppPassword, RemoveAppPassword>;

}  // namespace postrider::directory
