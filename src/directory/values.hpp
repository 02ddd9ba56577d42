// Single values of the directory as people write them: on the command line and in an import.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "config/values.hpp"
#include "directory/records.hpp"

namespace postrider::directory {

// A limit of Account::limits by its name.
struct LimitName {
  std::string_view name;  // "messages_per_hour"
  std::uint32_t Limits::* member;
};
inline constexpr std::array<LimitName, 4> kLimitNames = {
    {{"messages_per_hour", &Limits::messages_per_hour},
     {"messages_per_day", &Limits::messages_per_day},
     {"recipients_per_hour", &Limits::recipients_per_hour},
     {"recipients_per_day", &Limits::recipients_per_day}}};
inline constexpr std::uint64_t kMostQuota = 1ull << 50;  // 1 PiB
inline constexpr std::uint32_t kMostLimit = 1'000'000'000;
inline constexpr std::size_t kMostTargets = 1000;
inline constexpr std::size_t kMostAppPasswords = 100;  // of an account

// "alice@example.com", in lower case; the local part is fit for a path's segment.
config::Parsed<mail::Address> parse_account(std::string_view text);
// The same without that: aliases have no folders.
config::Parsed<mail::Address> parse_alias(std::string_view text);
// canonical(), or "@example.com".
config::Parsed<std::string> parse_send_as(std::string_view text);
config::Parsed<State> parse_state_of(std::string_view text, bool may_be_no_login);
// 1 to 64 octets of printable UTF-8.
config::Parsed<std::string> parse_app_password_name(std::string_view text);

}  // namespace postrider::directory
