#include "app/accounts.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace postrider::app {

using directory::Credentials;
using receive::Identity;

namespace {

// RFC 4954 6
std::unexpected<base::Failure> refused(std::string why) {
  return base::permanent({5, 7, 8}, "authentication credentials invalid", std::move(why));
}
std::unexpected<base::Failure> too_many() {
  return base::temporary({4, 7, 0}, "can't check that just now", "too many logins wait");
}

Identity identity_of(const directory::Identity& identity) {
  return {.account = directory::canonical(identity.account), .app_password = identity.app_password};
}

receive::ScramOffer offer_of(directory::ScramOffer offer) {
  const auto held = std::make_shared<const directory::ScramOffer>(std::move(offer));
  using Match = receive::ScramOffer::Match;
  return {.salt = held->salt,
          .iterations = held->iterations,
          .match = [held](std::string_view auth_message, std::string_view proof) -> std::optional<Match> {
            const auto match = held->match(auth_message, proof);
            if (!match) return {};
            return Match{identity_of(match->identity),
                         directory::hmac_sha256(match->server_key, auth_message)};  // RFC 5802 3
          }};
}

}  // namespace

void Accounts::verify(std::string login, std::string password, Verified done) {
  // Kept here too: a full pool drops what it is given.
  const auto held = std::make_shared<Verified>(std::move(done));
  const bool taken = credentials_.verify(
      std::move(login), std::move(password), [held](base::Result<directory::Identity> told) {
        (*held)(told ? base::Result<Identity>(identity_of(*told)) : std::unexpected(told.error()));
      });
  if (!taken) (*held)(too_many());
}

void Accounts::scram(std::string login, Offered done) {
  const auto held = std::make_shared<Offered>(std::move(done));
  const bool taken = credentials_.scram(std::move(login), [held](base::Result<directory::ScramOffer> told) {
    if (told)
      (*held)(offer_of(std::move(*told)));
    else
      (*held)(std::unexpected(told.error()));
  });
  if (!taken) (*held)(too_many());
}

void Accounts::note_use(const Identity& identity) {
  if (const auto account = mail::Address::parse(identity.account))
    credentials_.note_use({.account = *account, .app_password = identity.app_password});
}

bool Accounts::takes_tokens() const { return settings_.get().config->auth.oauth.is_used(); }

std::optional<Identity> Accounts::account_of(const directory::Directory& directory,
                                             const std::string& address) {
  const auto parsed = mail::Address::parse(base::lower(address));
  const auto* account = parsed ? directory.account(*parsed) : nullptr;
  if (!account || account->state != directory::State::enabled) return {};
  if (!directory.resolve(*parsed)) return {};  // its domain is disabled
  return Identity{.account = directory::canonical(*parsed), .app_password = {}};
}

void Accounts::check_token(std::string login, std::string token, Verified done) {
  const auto held = std::make_shared<Verified>(std::move(done));
  const auto directory = settings_.get().directory;
  verifier_.check(std::move(token), [held, directory, login](base::Result<tokens::Owner> owner) {
    if (!owner) return (*held)(std::unexpected(owner.error()));
    const auto identity = account_of(*directory, owner->account);
    if (!identity) return (*held)(refused("the token's owner is no account that may log in"));
    if (!login.empty() && account_of(*directory, login) != identity)
      return (*held)(refused("the token is another's"));
    (*held)(*identity);
  });
}

void Accounts::check_certificate(std::string login, std::vector<std::string> emails, Verified done) {
  const auto directory = settings_.get().directory;
  std::vector<Identity> named;
  for (const auto& email : emails)
    if (auto identity = account_of(*directory, email)) named.push_back(std::move(*identity));
  if (named.empty()) return done(refused("the certificate names no account that may log in"));
  if (!login.empty()) {
    const auto wanted = account_of(*directory, login);
    if (!wanted || std::ranges::find(named, *wanted) == named.end())
      return done(refused("the certificate is another's"));
    return done(*wanted);
  }
  if (std::ranges::any_of(named, [&](const Identity& each) { return each != named.front(); }))
    return done(refused("the certificate names several accounts"));
  done(named.front());
}

}  // namespace postrider::app
