// Do the names of the client's address lead back to it? RFC 8601 2.7.3, RFC 8601 3
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "policy/lookups.hpp"

namespace postrider::policy {

enum class IprevResult : std::uint8_t { pass, fail, temperror, permerror };
std::string_view to_string(IprevResult result);  // as Authentication-Results writes it

struct IprevFinding {
  IprevResult result = IprevResult::permerror;
  std::vector<std::string> names;  // that have the client's address, in lower case; at most 10
  std::string reason;              // for people, one line; never empty
};

// Nothing while answers are missing. Only the first ten names that the address has are looked at.
std::optional<IprevFinding> check_iprev(const base::IpAddress& client, Lookups& lookups);

}  // namespace postrider::policy
