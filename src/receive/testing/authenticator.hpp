// One account, alice@example.test, with the password "secret" and the token "token"; asked, it answers at once.
#pragma once

#include <string>
#include <vector>

#include "receive/authenticator.hpp"

namespace postrider::receive::testing {

class FakeAuthenticator final : public Authenticator {
 public:
  static constexpr const char* kAccount = "alice@example.test";

  void verify(std::string login, std::string password, Verified done) override {
    asked.push_back(login + ' ' + password);
    done(verdict(login == kAccount && password == "secret"));
  }
  void scram(std::string login, Offered done) override {
    asked.push_back("scram " + login);
    done(ScramOffer{.salt = "salt", .iterations = 4096, .match = [](auto, auto) { return std::nullopt; }});
  }
  void note_use(const Identity&) override {}
  void check_token(std::string login, std::string token, Verified done) override {
    asked.push_back(login + ' ' + token);
    done(verdict((login.empty() || login == kAccount) && token == "token"));
  }
  bool takes_tokens() const override { return tokens; }
  void check_certificate(std::string login, std::vector<std::string> emails, Verified done) override {
    asked.push_back(login + " certificate");
    done(verdict(emails == std::vector<std::string>{kAccount} && (login.empty() || login == kAccount)));
  }

  std::vector<std::string> asked;
  bool busy = false;  // it can't tell just now
  bool tokens = true;

 private:
  base::Result<Identity> verdict(bool good) const {
    if (busy) return base::temporary({4, 7, 0}, "too many wait");
    if (good) return Identity{.account = kAccount, .app_password = {}};
    return base::permanent({5, 7, 8}, "authentication credentials invalid");
  }
};

}  // namespace postrider::receive::testing
