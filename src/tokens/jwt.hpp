// JSON Web Tokens: taken apart, their signatures checked, their claims judged. RFC 7519, RFC 7515
#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace postrider::tokens {

inline constexpr std::size_t kMostToken = 8192;     // octets
inline constexpr std::size_t kMostKeySet = 262144;  // octets of a JWKS
inline constexpr std::size_t kMostKeys = 100;

// What we can check. Others ("none", and those with a shared secret) are no proof of who wrote a token. RFC 8725 3.1
enum class Algorithm : std::uint8_t { rs256, es256, eddsa };

// A signed token in its compact form, whose signature is not checked yet. RFC 7515 3.1
struct Jws {
  Algorithm algorithm = Algorithm::rs256;
  std::string key_id;       // empty: it names none
  std::string signed_part;  // header "." payload, as they came
  std::string payload;      // decoded
  std::string signature;    // decoded
};
// Failures here and below: permanent 5.7.8, with the reason in the log text.
base::Result<Jws> parse_jws(std::string_view token);

// Public keys. Immutable; any thread. RFC 7517
class KeySet {
 public:
  struct Key {
    std::string id;
    Algorithm algorithm = Algorithm::rs256;
    std::shared_ptr<EVP_PKEY> key;
  };
  // Keys that are not for signatures, of a kind that we don't check, or too weak (RSA under 2,048 bits) are left out; none
  // left is a Failure.
  static base::Result<KeySet> parse(std::string_view json);
  // One of our keys has made this signature: that of its name and kind, or any of its kind where it names none.
  bool verify(const Jws& jws) const;
  // There is one of this name.
  bool has(std::string_view key_id) const;
  std::size_t size() const { return keys_.size(); }

 private:
  std::vector<Key> keys_;
};

// What a token must say.
struct Expected {
  std::string issuer;            // iss; empty: any
  std::string audience;          // aud, or one of them; empty: any
  std::string claim = "email";   // names the account
  bool may_lack_expiry = false;  // an introspection that calls it active may say no more
};
// Whose it is, and until when.
struct Owner {
  std::string account;  // as the claim has it
  base::UtcTime until{};
};
// Of a payload, or of an introspection's answer. Times are taken with a minute of tolerance. RFC 7519 4.1, RFC 7662 2.2
base::Result<Owner> judge_claims(std::string_view json, const Expected& expected, base::UtcTime now);

}  // namespace postrider::tokens
