#include "directory/credentials.hpp"

#include <sodium.h>

#include "base/ascii.hpp"
#include "sys/log.hpp"

namespace postrider::directory {
namespace {

// How exactly the last use of an app password is known: a client that polls writes no more often.
constexpr base::Milliseconds kUseInterval = std::chrono::minutes(1);

std::optional<mail::Address> parse_login(std::string_view login) {
  const auto address = mail::Address::parse(login);
  if (!address || !address->domain()) return {};
  // As all names of ours are stored.
  return mail::Address::make(base::lower(address->local()), *mail::Domain::parse(address->domain()->ascii()))
      .value();
}

// RFC 4954 6
std::unexpected<base::Failure> refused(std::string_view why) {
  return base::permanent({5, 7, 8}, "authentication credentials invalid", std::string(why));
}

// Of a login that is no address: always the same.
mail::Address stand_in(std::string_view login) {
  const std::string digest = sha256(login);
  std::string hex(33, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<const unsigned char*>(digest.data()), 16);
  hex.pop_back();
  return address_of(hex, *mail::Domain::parse("invalid"));
}

void forget(std::string& password) { sodium_memzero(password.data(), password.size()); }

const StoredAppPassword* find_app_password(const StoredCredentials& stored, std::string_view password) {
  const auto secret = app_password_secret(password);
  if (!secret) return nullptr;
  const std::string hash = hash_app_password(*secret);
  const StoredAppPassword* found = nullptr;
  for (const StoredAppPassword& app : stored.app_passwords)
    if (app.hash.size() == hash.size() && sodium_memcmp(app.hash.data(), hash.data(), hash.size()) == 0)
      found = &app;
  return found;
}

}  // namespace

struct Credentials::Checked {
  Identity identity;
  StoredCredentials stored;
  std::optional<base::UtcTime> last_used;
  std::optional<std::string> better_hash;  // of an imported one
};

std::optional<ScramOffer::Match> ScramOffer::match(std::string_view auth_message,
                                                   std::string_view client_proof) const {
  const auto place = match_proof(keys, auth_message, client_proof);
  if (!place || !identities[*place]) return {};
  return Match{*identities[*place], keys[*place].server_key};
}

base::Result<std::unique_ptr<Credentials>> Credentials::open(CredentialsOptions options, sys::Clock& clock,
                                                             sys::Random& random) {
  auto reading = Registry::open(options.folder, random);
  if (!reading) return std::unexpected(reading.error());
  auto writing = Registry::open(options.folder, random);
  if (!writing) return std::unexpected(writing.error());
  return std::unique_ptr<Credentials>(
      new Credentials(options, clock, std::move(*reading), std::move(*writing)));
}

Credentials::Credentials(const CredentialsOptions& options, sys::Clock& clock,
                         std::unique_ptr<Registry> reading, std::unique_ptr<Registry> writing)
    : clock_(clock),
      argon2_(options.cost),
      reading_(std::move(reading)),
      writing_(std::move(writing)),
      pool_(std::make_unique<sys::Pool>(
          sys::PoolOptions{.name = "hash", .threads = options.threads, .bound = options.bound})) {
  // So that the first login is not the one that takes twice as long.
  if (!pool_->submit([this] { dummy(); })) sys::log::warning("hash_pool_full");
}

Credentials::~Credentials() { ending_ = true; }

const std::string& Credentials::dummy() {
  std::call_once(dummy_made_, [this] {
    if (auto made = argon2_.hash("the password of nobody")) dummy_ = std::move(*made);
  });
  return dummy_;
}

base::Result<std::optional<StoredCredentials>> Credentials::find(const mail::Address& account) {
  std::lock_guard lock(reading_mutex_);
  return reading_->credentials(account);
}

bool Credentials::check_password(const StoredCredentials& stored, const std::string& password,
                                 Checked& checked) {
  const std::string prepared = prepare_password(password);
  if (!stored.password) {
    argon2_.verify(dummy(), prepared);
    return false;
  }
  const std::string& hash = stored.password->hash;
  if (!is_foreign(hash)) return argon2_.verify(hash, prepared);
  if (!verify_foreign(hash, password)) {
    argon2_.verify(dummy(), prepared);
    return false;
  }
  if (auto better = argon2_.hash(prepared)) checked.better_hash = std::move(*better);
  return true;
}

base::Result<Credentials::Checked> Credentials::check(const std::string& login, const std::string& password) {
  const auto account = parse_login(login);
  const auto found = account ? find(*account) : base::Result<std::optional<StoredCredentials>>(std::nullopt);
  if (!found) return base::temporary({4, 7, 0}, "temporary authentication failure", found.error().log_text());
  Checked checked{.identity = {account ? *account : *mail::Address::parse("nobody@invalid"), {}},
                  .stored = found->value_or(StoredCredentials{}),
                  .last_used = {},
                  .better_hash = {}};
  const bool exists = found->has_value();
  const bool enabled = exists && checked.stored.state == State::enabled;
  if (const auto* app = find_app_password(checked.stored, password); app && enabled) {
    checked.identity.app_password = app->name;
    checked.last_used = app->last_used;
    return checked;
  }
  const bool right = check_password(checked.stored, password, checked);
  if (!exists) return refused("no such account");
  if (!right) return refused("wrong password");
  if (!enabled) return refused("the account is disabled");
  return checked;
}

bool Credentials::verify(std::string login, std::string password, Verified done) {
  return pool_->submit(
      [this, login = std::move(login), password = std::move(password), done = std::move(done)]() mutable {
        // A flood of guesses must not hold up the end of the server.
        const auto checked =
            ending_ ? base::temporary({4, 7, 0}, "temporary authentication failure", "the server is ending")
                    : check(login, password);
        if (checked)
          done(checked->identity);
        else
          done(std::unexpected(checked.error()));
        if (checked) {
          if (checked->identity.app_password.empty())
            improve(*checked, password);
          else
            note(checked->identity, checked->last_used);
        }
        forget(password);
      });
}

void Credentials::improve(const Checked& checked, const std::string& password) {
  const StoredPassword& old = *checked.stored.password;
  StoredPassword better = old;
  const auto prepared = prepare_new_password(password);
  if (checked.better_hash) {
    better.hash = *checked.better_hash;
  } else if (argon2_.is_outdated(old.hash)) {
    if (auto hash = argon2_.hash(prepare_password(password))) better.hash = std::move(*hash);
  }
  if (checked.stored.scram && !old.scram && prepared) {
    const bool has_salt = checked.stored.iterations != 0;
    better.scram = make_scram_keys(
        *prepared, has_salt ? checked.stored.salt : writing_->salt_for(checked.identity.account),
        has_salt ? checked.stored.iterations : kScramIterations);
  }
  if (better == old) return;
  std::lock_guard lock(writing_mutex_);
  const auto written = writing_->upgrade(checked.identity.account, old.hash, better);
  const std::string account = checked.identity.account.to_string();
  if (written)
    sys::log::info("password_upgraded", {{"account", account}});
  else
    sys::log::warning("password_not_upgraded", {{"account", account}, {"why", written.error().log_text()}});
}

void Credentials::note(const Identity& identity, std::optional<base::UtcTime> last_used) {
  const auto now = clock_.utc();
  if (last_used && now - *last_used < kUseInterval && now >= *last_used) return;
  std::lock_guard lock(writing_mutex_);
  if (const auto noted = writing_->note_use(identity.account, identity.app_password, now); !noted)
    sys::log::warning("use_not_noted",
                      {{"account", identity.account.to_string()}, {"why", noted.error().log_text()}});
}

void Credentials::note_use(const Identity& identity) {
  if (identity.app_password.empty()) return;
  const bool submitted = pool_->submit([this, identity] {
    const auto found = find(identity.account);
    if (!found || !*found) return;
    for (const StoredAppPassword& app : (*found)->app_passwords)
      if (app.name == identity.app_password) note(identity, app.last_used);
  });
  if (!submitted) sys::log::warning("use_not_noted", {{"account", identity.account.to_string()}});
}

base::Result<ScramOffer> Credentials::offer(const std::string& login) {
  const auto account = parse_login(login);
  const auto found = account ? find(*account) : base::Result<std::optional<StoredCredentials>>(std::nullopt);
  if (!found) return base::temporary({4, 7, 0}, "temporary authentication failure", found.error().log_text());
  const auto name = account ? *account : stand_in(login);
  ScramOffer offer;
  offer.salt = reading_->salt_for(name);
  offer.iterations = kScramIterations;
  const StoredCredentials stored = found->value_or(StoredCredentials{});
  if (stored.iterations != 0) {
    offer.salt = stored.salt;
    offer.iterations = stored.iterations;
  }
  if (stored.state == State::enabled) {
    if (stored.password && stored.password->scram) {
      offer.keys.push_back(*stored.password->scram);
      offer.identities.emplace_back(Identity{name, {}});
    }
    for (const StoredAppPassword& app : stored.app_passwords) {
      offer.keys.push_back(app.scram);
      offer.identities.emplace_back(Identity{name, app.name});
    }
  }
  if (offer.keys.empty()) {
    offer.keys.push_back({offer.salt, offer.iterations, sha256(offer.salt), sha256(offer.salt)});
    offer.identities.emplace_back();
  }
  return offer;
}

bool Credentials::scram(std::string login, Offered done) {
  return pool_->submit(
      [this, login = std::move(login), done = std::move(done)]() mutable { done(offer(login)); });
}

}  // namespace postrider::directory
