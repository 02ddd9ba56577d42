#include "directory/records.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace postrider::directory {
namespace {

constexpr std::array<std::string_view, 3> kStates = {"enabled", "no-login", "disabled"};

template <class T>
const T* find_by_name(const std::vector<T>& sorted, std::string_view name) {
  const auto found = std::ranges::lower_bound(sorted, name, {}, &T::name);
  return found != sorted.end() && found->name == name ? &*found : nullptr;
}

}  // namespace

std::string_view to_string(State state) { return kStates.at(static_cast<std::size_t>(state)); }

std::optional<State> parse_state(std::string_view word) {
  const auto* const found = std::ranges::find(kStates, word);
  if (found == kStates.end()) return {};
  return static_cast<State>(found - kStates.begin());
}

std::string canonical(const mail::Address& address) {
  return mail::quote_local(base::lower(address.local())) + '@' + mail::to_ascii(address.host());
}

mail::Address address_of(std::string_view name, const mail::Domain& domain) {
  return mail::Address::make(name, domain).value();
}

const Account* find_account(const Domain& domain, std::string_view name) {
  return find_by_name(domain.accounts, name);
}

const Alias* find_alias(const Domain& domain, std::string_view name) {
  return find_by_name(domain.aliases, name);
}

Domain from_config(const config::Domain& domain) {
  Domain record(domain.name);
  record.kind = domain.kind;
  record.separator = domain.separator;
  record.catch_all = domain.catch_all;
  record.recipients = domain.recipients;
  if (record.recipients) std::ranges::sort(*record.recipients);
  for (const std::string& user : domain.users) {
    Account& account = record.accounts.emplace_back();
    account.name = user;
  }
  std::ranges::sort(record.accounts, {}, &Account::name);
  for (const auto& [name, targets] : domain.aliases)  // a map: sorted
    record.aliases.push_back({.name = name, .targets = targets});
  return record;
}

}  // namespace postrider::directory
