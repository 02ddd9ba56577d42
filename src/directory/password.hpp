// Passwords: how they are compared, made and hashed. All cryptography is libsodium's, OpenSSL's and libxcrypt's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/config.hpp"
#include "sys/random.hpp"

namespace postrider::directory {

inline constexpr std::size_t kMostPasswordOctets = 512;

// SASLprep (RFC 4013), which SCRAM asks of both sides, so that one password typed on two keyboards is the
// same octets. It is what RFC 8265 4.2 calls OpaqueString but for compatibility characters. A new password:
// permanent where it is empty, has control characters, or more than kMostPasswordOctets.
base::Result<std::string> prepare_new_password(std::string_view password);
// One that somebody logs in with: as it is where it can't be prepared.
std::string prepare_password(std::string_view password);

// 128 random bits as 26 letters and digits in groups: "k7fq9-w2m4x-...".
std::string make_app_password(sys::Random& random);
// What is hashed of it: hyphens, spaces and case don't matter. Nothing where the text can't be one.
std::optional<std::string> app_password_secret(std::string_view text);
std::string hash_app_password(std::string_view secret);

// Argon2id. One hash takes 64 MiB and about 0.1 s (interactive), or 256 MiB and 0.7 s (moderate): only on a
// bounded pool.
struct Cost {
  unsigned long long operations = 0;
  std::size_t memory = 0;  // octets
};
Cost cost_of(config::PasswordCost cost);
// What tests can afford.
Cost cheapest_cost();

// Any thread.
class Argon2 {
 public:
  explicit Argon2(Cost cost);
  // Failure: temporary, no memory.
  base::Result<std::string> hash(std::string_view password) const;
  bool verify(const std::string& hash, std::string_view password) const;
  // Made with another cost, or by another function.
  bool is_outdated(const std::string& hash) const;
  // How many hashes were computed.
  std::uint64_t runs() const { return runs_; }

 private:
  const Cost cost_;
  mutable std::atomic<std::uint64_t> runs_ = 0;
};

// Hashes made elsewhere, in the form that Dovecot writes: {BLF-CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT},
// {CRYPT} (of these and yescrypt), {PBKDF2}, {ARGON2ID}, {ARGON2I}; without a scheme where the text says by
// itself what it is. Gives it with its scheme. Failure: permanent, says what is wrong: an unknown scheme, a
// weak one, a damaged hash, a cost that would take longer than about a second or 1 GiB.
base::Result<std::string> parse_foreign_hash(std::string_view text);
inline bool is_foreign(std::string_view hash) { return hash.starts_with('{'); }
// Of one that parse_foreign_hash() gave. The password as it came: who hashed it did not prepare it.
bool verify_foreign(const std::string& hash, std::string_view password);

}  // namespace postrider::directory
