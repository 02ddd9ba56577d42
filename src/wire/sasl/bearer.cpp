#include "wire/sasl/bearer.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/sasl/gs2.hpp"

namespace postrider::wire::sasl {
namespace {

constexpr char kSeparator = '\x01';
constexpr std::size_t kMostToken = 8192;

// RFC 6750 2.1
bool is_token(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return base::is_alnum(c) || std::string_view("-._~+/").contains(c);
  });
}

struct Pairs {
  std::optional<std::string_view> auth, user;
  bool good = false;
};

bool set_once(std::optional<std::string_view>& into, std::string_view value) {
  if (into) return false;
  into = value;
  return true;
}

// "key=value" ^A ... ^A, and one more ^A at the end. RFC 7628 3.1
Pairs read_pairs(std::string_view rest) {
  Pairs pairs;
  while (!rest.empty() && rest.front() != kSeparator) {
    const auto end = rest.find(kSeparator);
    if (end == rest.npos) return pairs;
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const auto equals = pair.find('=');
    if (equals == pair.npos || equals == 0) return pairs;
    const auto key = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (key == "auth" && !set_once(pairs.auth, value)) return pairs;
    if (key == "user" && !set_once(pairs.user, value)) return pairs;
  }
  pairs.good = rest == std::string_view(&kSeparator, 1);
  return pairs;
}

}  // namespace

Step Bearer::begin(std::optional<std::string> initial) {
  if (!initial) return Challenge{};
  return read(*initial);
}

Step Bearer::respond(std::string response) {
  if (!denied_) return read(response);
  // What it says is of no interest: the answer was given. RFC 7628 3.2.3
  return Refused{"a token that is not taken"};
}

Step Bearer::read(std::string_view message) {
  std::string login;
  if (form_ == Form::oauthbearer) {
    const auto header = parse_gs2_header(message);
    if (!header) return Malformed{"bad beginning of an OAUTHBEARER message"};
    // RFC 7628 3.1: there is no OAUTHBEARER-PLUS.
    if (header->flag == 'p') return Refused{"a channel binding without PLUS"};
    login = header->authzid;
    message.remove_prefix(header->size);
    if (!message.starts_with(kSeparator)) return Malformed{"bad OAUTHBEARER message"};
    message.remove_prefix(1);
  }
  const auto pairs = read_pairs(message);
  if (!pairs.good) return Malformed{"bad pairs of key and value"};
  if (form_ == Form::xoauth2) {
    const auto user = pairs.user.value_or("");
    if (user.empty() || user.size() > 255 || user.contains('\0') || !base::is_utf8(user))
      return Malformed{"XOAUTH2 without a user"};
    login = user;
  }
  constexpr std::string_view kScheme = "Bearer ";
  const auto auth = pairs.auth.value_or("");
  // The client asks what it would need. RFC 7628 4.3
  if (auth.empty()) return answer(Denied{});
  const auto token =
      base::istarts_with(auth, kScheme) ? base::trim(auth.substr(kScheme.size())) : std::string_view();
  if (!is_token(token) || token.size() > kMostToken) return Malformed{"no bearer token"};
  return CheckToken{std::move(login), std::string(token)};
}

Step Bearer::answer(const Answer& answer) {
  if (std::holds_alternative<Granted>(answer)) return Success{};
  denied_ = true;
  if (form_ == Form::xoauth2) return Challenge{R"({"status":"401","schemes":"bearer","scope":""})"};
  return Challenge{R"({"status":"invalid_token"})"};
}

}  // namespace postrider::wire::sasl
