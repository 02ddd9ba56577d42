#include "policy/tls_policy.hpp"

#include <variant>

namespace postrider::policy {
namespace {

using config::TlsLevel;

std::vector<std::string> names_for(const config::Route& route, const mail::Host& recipients) {
  if (!route.tls_names.empty()) return route.tls_names;
  if (const auto* smtp = std::get_if<config::ViaSmtp>(&route.via)) return {smtp->host};
  if (const auto* lmtp = std::get_if<config::ViaLmtp>(&route.via)) return {lmtp->host};
  const auto* domain = std::get_if<mail::Domain>(&recipients);
  if (!domain) return {};
  return {domain->ascii(), '.' + domain->ascii()};
}

}  // namespace

std::string_view to_string(TlsLevel level) {
  switch (level) {
    case TlsLevel::none:
      return "none";
    case TlsLevel::may:
      return "may";
    case TlsLevel::encrypt:
      return "encrypt";
    case TlsLevel::verify:
      return "verify";
  }
  return "unknown";
}

std::string TlsPolicy::key() const {
  std::string key(to_string(level));
  for (const std::string& name : names) key += ' ' + name;
  return key;
}

TlsPolicy tls_policy(const config::Config& config, const config::Route& route, const mail::Host& recipients) {
  TlsPolicy policy;
  policy.level = route.tls.value_or(config.delivery.tls);
  policy.why = route.tls ? "route " + route.pattern : "delivery.tls";
  const auto* lmtp = std::get_if<config::ViaLmtp>(&route.via);
  // Nobody listens to a Unix socket.
  if (lmtp && !lmtp->path.empty()) return {TlsLevel::none, {}, "a Unix socket"};
  if (policy.level == TlsLevel::verify) policy.names = names_for(route, recipients);
  return policy;
}

}  // namespace postrider::policy
