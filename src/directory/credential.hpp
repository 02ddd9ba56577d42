// What is kept of passwords.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "directory/records.hpp"

namespace postrider::directory {

// What a server needs for SCRAM-SHA-256, and nothing from which a client could log in. RFC 5802 3, RFC 7677
struct ScramKeys {
  std::string salt;
  std::uint32_t iterations = 0;
  std::string stored_key;  // 32 octets, as the next
  std::string server_key;
  bool operator==(const ScramKeys&) const = default;
};

// The account's own password, which a person has chosen.
struct StoredPassword {
  // "$argon2id$..." as libsodium writes it, of the prepared password; or "{SCHEME}...", one from elsewhere
  // (password.hpp).
  std::string hash;
  std::optional<ScramKeys> scram;
  bool operator==(const StoredPassword&) const = default;
};

// One of 128 random bits, which we have chosen. Its hash is a plain SHA-256: what makes Argon2id necessary is
// that people's passwords can be guessed; 2^128 guesses can't be made, at whatever price of a single one.
struct StoredAppPassword {
  std::string name;  // unique within the account
  std::string hash;  // 32 octets
  ScramKeys scram;
  base::UtcTime created{};
  std::optional<base::UtcTime> last_used;  // to about a minute
  bool operator==(const StoredAppPassword&) const = default;
};

// All that is known of one account's. Every ScramKeys in it has `salt` and `iterations`, since a server must
// name them before it knows which of the passwords the client has.
struct StoredCredentials {
  State state = State::enabled;  // disabled where its domain is
  bool scram = false;
  std::string salt;
  std::uint32_t iterations = 0;
  std::optional<StoredPassword> password;
  std::vector<StoredAppPassword> app_passwords;  // sorted by name
};

}  // namespace postrider::directory
