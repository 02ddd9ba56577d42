// Who may log in: the directory's accounts, by their passwords, by tokens and by certificates.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "directory/credentials.hpp"
#include "receive/authenticator.hpp"
#include "tokens/verifier.hpp"

namespace postrider::app {

// Any thread. What it is made of outlives it.
class Accounts final : public receive::Authenticator {
 public:
  Accounts(const Settings& settings, directory::Credentials& credentials, tokens::Verifier& verifier)
      : settings_(settings), credentials_(credentials), verifier_(verifier) {}

  void verify(std::string login, std::string password, Verified done) override;
  void scram(std::string login, Offered done) override;
  void note_use(const receive::Identity& identity) override;
  void check_token(std::string login, std::string token, Verified done) override;
  bool takes_tokens() const override;
  void check_certificate(std::string login, std::vector<std::string> emails, Verified done) override;

 private:
  // The enabled account of this address, as the directory spells it; nothing: none.
  static std::optional<receive::Identity> account_of(const directory::Directory& directory,
                                                     const std::string& address);

  const Settings& settings_;
  directory::Credentials& credentials_;
  tokens::Verifier& verifier_;
};

}  // namespace postrider::app
