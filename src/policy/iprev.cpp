#include "policy/iprev.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::policy {
namespace {

constexpr std::size_t kMostNames = 10;  // as RFC 7208 4.6.4 has it

std::string normal(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return base::lower(name);
}

}  // namespace

std::string_view to_string(IprevResult result) {
  constexpr std::array<std::string_view, 4> kNames = {"pass", "fail", "temperror", "permerror"};
  return kNames.at(static_cast<std::size_t>(result));
}

std::optional<IprevFinding> check_iprev(const base::IpAddress& client, Lookups& lookups) {
  using enum IprevResult;
  const auto end = [&client](IprevResult result, const std::string& reason,
                             std::vector<std::string> names = {}) {
    return IprevFinding{result, std::move(names), base::printable(client.to_string() + reason)};
  };
  const TextAnswer* pointers = lookups.ptr(client);
  if (!pointers) return {};
  if (!*pointers) {
    const std::string why(to_string(pointers->error().error));
    return is_void(*pointers) ? end(permerror, " has no name: " + why)
                              : end(temperror, ": its names can't be read: " + why);
  }
  bool pending = false;
  std::string trouble, others;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min((*pointers)->records.size(), kMostNames); ++i) {
    const std::string name = normal((*pointers)->records[i]);
    const AddressAnswer* answer = lookups.address(name, client.is_v4());
    if (!answer)
      pending = true;
    else if (*answer && std::ranges::count((*answer)->records, client) != 0)
      names.push_back(name);
    else if (!*answer && sys::dns::is_temporary(answer->error().error))
      trouble = name + ": " + std::string(to_string(answer->error().error));
    else
      others += (others.empty() ? "" : ", ") + name;
  }
  if (pending) return {};
  if (!names.empty()) return end(pass, " is " + names.front(), names);
  if (!trouble.empty()) return end(temperror, " may be " + trouble);
  return end(fail, " says that it is what does not have this address: " + others);
}

}  // namespace postrider::policy
