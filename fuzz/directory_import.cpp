// parse_contents() of any text: no crash, and either faults that say something or contents that are written and read back the
// same.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "directory/contents.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postrider;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto contents = directory::parse_contents(text, "fuzz.toml");
  if (!contents) {
    if (contents.error().empty()) __builtin_trap();
    for (const config::Fault& fault : contents.error())
      if (fault.what.empty() || fault.mend.empty() || fault.to_string().find('\n') != std::string::npos)
        __builtin_trap();
    return 0;
  }
  for (const directory::Domain& domain : contents->domains) {
    if (!std::ranges::is_sorted(domain.accounts, {}, &directory::Account::name)) __builtin_trap();
    for (const directory::Account& account : domain.accounts) {
      if (account.name.empty() || account.name.size() > 64 || account.name.contains('/')) __builtin_trap();
      if (directory::find_account(domain, account.name) != &account) __builtin_trap();
      if (directory::find_alias(domain, account.name)) __builtin_trap();
    }
    for (const directory::Alias& alias : domain.aliases)
      if (alias.targets.empty() || alias.targets.size() > 1000) __builtin_trap();
  }
  const auto again = directory::parse_contents(directory::to_toml(*contents), "again.toml");
  if (!again) __builtin_trap();
  if (again->domains != contents->domains) __builtin_trap();
  if (!directory::differences(*contents, *again).empty()) __builtin_trap();
  return 0;
}
