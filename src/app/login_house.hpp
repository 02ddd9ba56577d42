// All that logging in stands on, put together.
#pragma once

#include <memory>

#include "app/accounts.hpp"
#include "app/settings.hpp"
#include "base/result.hpp"
#include "directory/credentials.hpp"
#include "directory/login_guard.hpp"
#include "receive/authenticator.hpp"
#include "tokens/verifier.hpp"

namespace postrider::app {

class LoginHouse {
 public:
  // `settings` and `resolver` outlive it. Once the server has become its user: the directory's database is opened.
  static base::Result<std::unique_ptr<LoginHouse>> open(const Settings& settings, sys::Resolver& resolver,
                                                        sys::Clock& clock);
  receive::Logins& logins() { return logins_; }
  directory::LoginGuard& guard() { return guard_; }

 private:
  LoginHouse(const Settings& settings, std::unique_ptr<directory::Credentials> credentials,
             sys::Resolver& resolver, sys::Clock& clock);

  std::unique_ptr<directory::Credentials> credentials_;
  net::TlsClient tls_;
  tokens::Verifier verifier_;
  Accounts accounts_;
  directory::LoginGuard guard_;
  receive::Logins logins_;
};

}  // namespace postrider::app
