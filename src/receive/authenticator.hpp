// Who may log in, as the SMTP server asks it. app/ fills it with the directory and with those who give out tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "directory/login_guard.hpp"

namespace postrider::receive {

// Who has logged in.
struct Identity {
  std::string account;       // "alice@example.com", in the directory's own spelling
  std::string app_password;  // its name, where it was one
  bool operator==(const Identity&) const = default;
};

// What a server needs for one SCRAM-SHA-256 exchange. RFC 5802 5.1
struct ScramOffer {
  std::string salt;
  std::uint32_t iterations = 0;
  struct Match {
    Identity identity;
    std::string server_signature;
  };
  // Whose proof it is; nothing: nobody's. Some microseconds for each password of the account.
  std::function<std::optional<Match>(std::string_view auth_message, std::string_view proof)> match;
};

// Outlives the server. Any thread; never blocks: `done` is called once, now or later, on any thread. A permanent Failure
// refuses, and costs the same work whatever the reason was; a temporary one can't tell just now.
class Authenticator {
 public:
  using Verified = std::move_only_function<void(base::Result<Identity>)>;
  using Offered = std::move_only_function<void(base::Result<ScramOffer>)>;

  virtual ~Authenticator() = default;
  virtual void verify(std::string login, std::string password, Verified done) = 0;
  // A name that is nobody's has an offer too, always the same.
  virtual void scram(std::string login, Offered done) = 0;
  // After SCRAM: it has succeeded.
  virtual void note_use(const Identity& identity) = 0;
  // Of OAUTHBEARER and XOAUTH2. `login` must be the token's owner; empty: whoever that is.
  virtual void check_token(std::string login, std::string token, Verified done) = 0;
  virtual bool takes_tokens() const = 0;
  // `emails` are those of a certificate that is trusted. `login` must be one of them, and an account; empty: the only
  // one of them that is an account.
  virtual void check_certificate(std::string login, std::vector<std::string> emails, Verified done) = 0;
};

struct Logins {
  Authenticator& authenticator;
  directory::LoginGuard& guard;
};

}  // namespace postrider::receive
