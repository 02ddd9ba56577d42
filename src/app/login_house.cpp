#include "app/login_house.hpp"

#include "directory/password.hpp"
#include "sys/random.hpp"

namespace postrider::app {

LoginHouse::LoginHouse(const Settings& settings, std::unique_ptr<directory::Credentials> credentials,
                       sys::Resolver& resolver, sys::Clock& clock)
    : credentials_(std::move(credentials)),
      verifier_([&settings] { return settings.get().config->auth.oauth; }, {resolver, tls_}, clock),
      accounts_(settings, *credentials_, verifier_),
      guard_(clock),
      logins_{accounts_, guard_} {}

base::Result<std::unique_ptr<LoginHouse>> LoginHouse::open(const Settings& settings, sys::Resolver& resolver,
                                                           sys::Clock& clock) {
  const auto config = settings.get().config;
  auto credentials = directory::Credentials::open({.folder = config->data_dir,
                                                   .cost = directory::cost_of(config->passwords.cost),
                                                   .threads = config->passwords.threads},
                                                  clock, sys::system_random());
  if (!credentials) return std::unexpected(credentials.error());
  std::unique_ptr<LoginHouse> house(new LoginHouse(settings, std::move(*credentials), resolver, clock));
  if (const auto trusted = house->tls_.trust(config->auth.oauth.ca); !trusted)
    return base::permanent({5, 3, 5}, trusted.error());
  return house;
}

}  // namespace postrider::app
