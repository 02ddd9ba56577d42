// Logging in: what is offered, when AUTH may be said, and what changes by it. RFC 4954
#include <algorithm>

#include "receive/dialog.hpp"

namespace postrider::receive {

using mail::reply;
using mail::Reply;
using wire::sasl::Mechanism;

namespace {

// Logins that failed in one session; with the last of them it ends.
constexpr std::uint32_t kMostFailedLogins = 3;

}  // namespace

bool Dialog::has_auth() const { return listener_.auth != config::ListenerAuth::none && services_.logins; }

// A password is never asked for in clear. On this machine itself a setting may say otherwise. RFC 4954 4
bool Dialog::may_auth() const {
  return has_auth() &&
         (under_tls() || (setting_.config->auth.without_tls_on_loopback && peer_.address.is_loopback()));
}

bool Dialog::offers(Mechanism mechanism) const {
  switch (mechanism) {
    case Mechanism::scram_sha_256_plus:
      return !channel_binding().empty();
    case Mechanism::oauthbearer:
    case Mechanism::xoauth2:
      return services_.logins->authenticator.takes_tokens();
    case Mechanism::external:
      return !certificate_emails().empty();
    default:
      return true;
  }
}

std::vector<Mechanism> Dialog::mechanisms() const {
  std::vector<Mechanism> offered;
  if (!may_auth()) return offered;
  for (const auto& name : setting_.config->auth.mechanisms) {
    const auto mechanism = wire::sasl::parse_mechanism(name);
    if (mechanism && offers(*mechanism)) offered.push_back(*mechanism);
  }
  return offered;
}

std::variant<Reply, Mechanism> Dialog::begin_auth(const wire::smtp::Auth& command) const {
  if (!has_auth()) return reply(503, 5, 1, "AUTH is not available here");
  if (greeted_ != Greeted::ehlo) return reply(503, 5, 1, "say EHLO first");
  if (transaction_) return reply(503, 5, 1, "AUTH is not allowed inside a transaction");
  if (!identity_.empty()) return reply(503, 5, 1, "you have logged in already");
  if (!may_auth()) return reply(538, 7, 11, "logging in needs TLS");  // RFC 4954 6
  const auto mechanism = wire::sasl::parse_mechanism(command.mechanism);
  const auto offered = mechanisms();
  if (!mechanism || std::ranges::find(offered, *mechanism) == offered.end())
    return reply(504, 5, 4, "this mechanism is not available here");
  return *mechanism;
}

Reply Dialog::authenticated(const Identity& identity) {
  identity_ = identity.account;
  by_auth_ = true;
  return reply(235, 7, 0, "welcome");
}

Reply Dialog::auth_failed(Reply said) {
  if (++failed_logins_ < kMostFailedLogins) return said;
  close_ = true;
  return reply(421, 7, 0,
               setting_.config->hostname.ascii() + " too many failed logins, closing the connection");
}

bool Dialog::under_tls() const { return tls_ != nullptr; }

std::vector<std::string> Dialog::certificate_emails() const {
  const bool trusted = tls_ && tls_->has_peer && tls_->peer.trusted;
  return trusted ? tls_->peer.emails : std::vector<std::string>();
}

Login::Client Dialog::login_client() const {
  return {.address = peer_.address,
          .listener = listener_.name(),
          .tls = tls_ ? tls_->to_string() : std::string(),
          .emails = certificate_emails()};
}

}  // namespace postrider::receive
