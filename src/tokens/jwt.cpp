#include "tokens/jwt.hpp"

#include <boost/json/parse.hpp>

#include "tokens/json.hpp"
#include "wire/base64.hpp"

namespace postrider::tokens {
namespace {

constexpr base::Milliseconds kTolerance = std::chrono::minutes(1);

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  if (name == "RS256") return Algorithm::rs256;
  if (name == "ES256") return Algorithm::es256;
  if (name == "EdDSA") return Algorithm::eddsa;  // RFC 8037 3.1
  return {};
}

// Seconds since 1970, whole or not. RFC 7519 2
std::optional<base::UtcTime> time_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_number()) return {};
  const double seconds = value->to_number<double>();
  if (!(seconds >= 0 && seconds < 1e11)) return {};
  return base::UtcTime(base::Milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

// Some providers write it as a string.
bool is_true(const boost::json::value& value) {
  return value.is_bool() ? value.get_bool() : value.is_string() && value.get_string() == "true";
}

bool is_for(const boost::json::object& claims, const std::string& audience) {
  const auto* value = claims.if_contains("aud");
  if (!value) return false;
  if (value->is_string()) return value->get_string() == audience;
  if (!value->is_array()) return false;
  for (const auto& each : value->get_array())
    if (each.is_string() && each.get_string() == audience) return true;
  return false;
}

}  // namespace

base::Result<Jws> parse_jws(std::string_view token) {
  if (token.size() > kMostToken) return refused("a token of more than 8192 octets");
  const auto first = token.find('.');
  const auto second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return refused("no signed token");
  const auto header_text = wire::from_base64url(token.substr(0, first));
  auto payload = wire::from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = wire::from_base64url(token.substr(second + 1));
  if (!header_text || !payload || !signature) return refused("a token that is no base64url");
  const auto header = parse_object(*header_text);
  if (!header) return refused("a token whose header is no JSON object");
  const auto algorithm = parse_algorithm(text_of(*header, "alg"));
  if (!algorithm) return refused("a token with the algorithm \"" + text_of(*header, "alg") + '"');
  // What it lists must be understood, and we understand nothing more. RFC 7515 4.1.11
  if (header->contains("crit")) return refused("a token with critical extensions");
  return Jws{.algorithm = *algorithm,
             .key_id = text_of(*header, "kid"),
             .signed_part = std::string(token.substr(0, second)),
             .payload = std::move(*payload),
             .signature = std::move(*signature)};
}

base::Result<Owner> judge_claims(std::string_view json, const Expected& expected, base::UtcTime now) {
  const auto claims = parse_object(json);
  if (!claims) return refused("claims that are no JSON object");
  auto until = time_of(*claims, "exp");
  if (!until && expected.may_lack_expiry && !claims->contains("exp"))
    until = base::UtcTime::max() - kTolerance;
  if (!until) return refused("a token that never expires");
  if (now >= *until + kTolerance) return refused("an expired token");
  if (claims->contains("nbf")) {
    const auto from = time_of(*claims, "nbf");
    if (!from || now + kTolerance < *from) return refused("a token that is not valid yet");
  }
  if (!expected.issuer.empty() && text_of(*claims, "iss") != expected.issuer)
    return refused("a token of another issuer");
  if (!expected.audience.empty() && !is_for(*claims, expected.audience))
    return refused("a token for another service");
  std::string account = text_of(*claims, expected.claim);
  if (account.empty()) return refused("a token without the claim \"" + expected.claim + '"');
  // Whoever registers there could call himself as he likes, until he has shown that it is he. OpenID Connect Core 5.1
  const auto* verified = expected.claim == "email" ? claims->if_contains("email_verified") : nullptr;
  if (verified && !is_true(*verified)) return refused("an address that is not verified");
  return Owner{std::move(account), *until};
}

}  // namespace postrider::tokens
