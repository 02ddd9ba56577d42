// Keys of DKIM and ARC signatures: RSA and Ed25519. RFC 8301, RFC 8463
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/dkim/key_record.hpp"
#include "wire/dkim/sha256.hpp"
#include "wire/dkim/signature.hpp"

namespace postrider::wire::dkim {

inline constexpr int kWeakestRsa = 1024;  // RFC 8301 3.2
// A longer one costs too much to check, and is in no record. RFC 8301 3.2 asks for 4096.
inline constexpr int kLongestRsa = 8192;

// One thread at a time, its copies together: they share the key, and what is set up to verify with it.
class PublicKey {
 public:
  // `octets`: of RSA a SubjectPublicKeyInfo, or the RSAPublicKey in it, in DER (RFC 6376 3.6.1); of Ed25519 the 32 octets
  // (RFC 8463 4). An exponent has at most 64 bits, or checking a signature would cost as much as making one. RSA keys shorter
  // than kWeakestRsa are keys: whoever asks looks at bits(). The error is for people.
  static std::expected<PublicKey, std::string> parse(KeyType type, std::string_view octets);

  KeyType type() const { return type_; }
  int bits() const { return bits_; }  // of Ed25519 256
  // Whether `signature` is one of `hash`: RSASSA-PKCS1-v1_5 with SHA-256, or PureEdDSA of the hash's octets (RFC 8463 3).
  bool verify(const Digest& hash, std::string_view signature) const;

 private:
  PublicKey(KeyType type, std::shared_ptr<EVP_PKEY> key, std::shared_ptr<EVP_PKEY_CTX> verification);
  KeyType type_;
  int bits_;
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<EVP_PKEY_CTX> verification_;  // of RSA: to set it up takes half as long as to verify
};

// Immutable; any thread. Copies share the key, which is cleared from memory with the last of them.
class PrivateKey {
 public:
  // PKCS #8 or PKCS #1, without a passphrase. RSA keys have kWeakestRsa to kLongestRsa bits. Failure: permanent, 5.7.5.
  static base::Result<PrivateKey> from_pem(std::string_view pem);

  KeyType type() const { return type_; }
  int bits() const { return bits_; }
  Algorithm algorithm() const {
    return type_ == KeyType::rsa ? Algorithm::rsa_sha256 : Algorithm::ed25519_sha256;
  }
  // The same for the same hash, always. Aborts where OpenSSL can't.
  std::string sign(const Digest& hash) const;
  // What the key's record has as p=, decoded.
  std::string public_octets() const;

 private:
  PrivateKey(KeyType type, std::shared_ptr<EVP_PKEY> key);
  KeyType type_;
  int bits_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace postrider::wire::dkim
