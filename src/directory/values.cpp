#include "directory/values.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::directory {
namespace {

std::unexpected<config::Problem> problem(std::string_view text, std::string_view what,
                                         std::string_view mend) {
  return std::unexpected(
      config::Problem{'"' + std::string(text) + "\" " + std::string(what), std::string(mend)});
}

using ParseName = config::Parsed<std::string> (*)(std::string_view);

config::Parsed<mail::Address> parse_ours(std::string_view text, ParseName parse) {
  const auto at = text.rfind('@');
  if (at == text.npos)
    return problem(text, "has no domain", "write the whole address: \"alice@example.com\"");
  const auto name = parse(text.substr(0, at));
  if (!name) return std::unexpected(name.error());
  const auto domain = config::parse_domain(text.substr(at + 1));
  if (!domain) return std::unexpected(domain.error());
  const auto address = mail::Address::make(*name, *domain);
  if (!address)
    return problem(text, "is no address: " + address.error().text,
                   "write it as in a letter: \"alice@example.com\"");
  return *address;
}

}  // namespace

config::Parsed<mail::Address> parse_account(std::string_view text) {
  return parse_ours(text, config::parse_user);
}
config::Parsed<mail::Address> parse_alias(std::string_view text) {
  return parse_ours(text, config::parse_local);
}

config::Parsed<std::string> parse_send_as(std::string_view text) {
  if (text.starts_with('@')) {
    const auto domain = config::parse_domain(text.substr(1));
    if (!domain) return std::unexpected(domain.error());
    return '@' + domain->ascii();
  }
  const auto address = config::parse_address(text);
  if (!address) return std::unexpected(address.error());
  return canonical(*address);
}

config::Parsed<State> parse_state_of(std::string_view text, bool may_be_no_login) {
  const auto state = parse_state(text);
  if (state && (may_be_no_login || *state != State::no_login)) return *state;
  return problem(text, "is no state",
                 may_be_no_login ? "write enabled, no-login or disabled" : "write enabled or disabled");
}

config::Parsed<std::string> parse_app_password_name(std::string_view text) {
  const bool printable = std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
  if (!text.empty() && text.size() <= 64 && printable && base::is_utf8(text)) return std::string(text);
  return problem(printable ? text : "?", "can't name an app password",
                 "write 1 to 64 printable characters: \"phone\"");
}

}  // namespace postrider::directory
