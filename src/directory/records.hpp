// What the directory holds, as values: domains with their accounts and aliases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "mail/address.hpp"

namespace postrider::directory {

// Numbers are stored.
enum class State : std::uint8_t {
  enabled = 0,
  no_login = 1,  // of an account: its mail is taken, but nobody can log in
  disabled = 2,  // nobody can log in, and mail for it is refused: 550 5.2.1
};
std::string_view to_string(State state);  // "enabled", "no-login", "disabled"
std::optional<State> parse_state(std::string_view word);

// What an account may send. 0: no bound.
struct Limits {
  std::uint32_t messages_per_hour = 0;
  std::uint32_t messages_per_day = 0;
  std::uint32_t recipients_per_hour = 0;
  std::uint32_t recipients_per_day = 0;
  bool operator==(const Limits&) const = default;
};

struct Account {
  std::string name;  // the local part, lower case; safe as a path segment
  State state = State::enabled;
  bool scram = false;                  // its own password has a SCRAM verifier too
  std::optional<std::uint64_t> quota;  // octets, 0: no bound; absent: delivery.quota
  Limits limits;
  // Whom it may send as beside its own addresses: addresses in canonical(), or "@example.com", all of a domain.
  std::vector<std::string> send_as;
  bool operator==(const Account&) const = default;
};

struct Alias {
  std::string name;              // the local part, lower case
  State state = State::enabled;  // no_login is not for aliases
  std::vector<mail::Address> targets;
  bool operator==(const Alias&) const = default;
};

struct Domain {
  mail::Domain name;
  config::DomainKind kind = config::DomainKind::local;
  State state = State::enabled;  // disabled: all mail for it is refused, and none of its accounts can log in
  std::string separator = "+";   // what parts a name from a detail; empty: none
  std::optional<mail::Address> catch_all;
  std::optional<std::vector<std::string>> recipients;  // kind relay: who exists; absent: ask the next hop
  std::vector<Account> accounts;                       // sorted by name, as are the next
  std::vector<Alias> aliases;

  explicit Domain(mail::Domain its_name) : name(std::move(its_name)) {}
  bool operator==(const Domain&) const = default;
};

// The one spelling by which an address of ours is compared: local part in lower case, A-labels.
std::string canonical(const mail::Address& address);
// "alice@example.com" of a checked name.
mail::Address address_of(std::string_view name, const mail::Domain& domain);

// Null where there is none of that (lower case) name.
const Account* find_account(const Domain& domain, std::string_view name);
const Alias* find_alias(const Domain& domain, std::string_view name);

// A [[domain]] of the configuration as such a record; its users have no limits.
Domain from_config(const config::Domain& domain);

}  // namespace postrider::directory
