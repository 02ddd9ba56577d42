#include "policy/judged.hpp"

#include <array>

namespace postrider::policy {

std::string_view to_string(OverrideType type) {
  constexpr std::array<std::string_view, 5> kNames = {"local_policy", "mailing_list", "trusted_forwarder",
                                                      "policy_test_mode", "other"};
  return kNames.at(static_cast<std::size_t>(type));
}

}  // namespace postrider::policy
