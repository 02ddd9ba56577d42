// New keys to sign with.
#pragma once

#include <string>

#include "wire/dkim/key_record.hpp"

namespace postrider::wire::dkim {

// What verifiers have to take; a longer one does not fit into a DNS answer of 512 octets. RFC 8301 3.2
inline constexpr int kNewRsaBits = 2048;

// PKCS #8 in PEM, for PrivateKey::from_pem(). `bits`: of RSA, kWeakestRsa to kLongestRsa; Ed25519 has one size. RSA takes a tenth
// of a second and more. Aborts where OpenSSL has no randomness.
std::string make_key(KeyType type, int bits = kNewRsaBits);

}  // namespace postrider::wire::dkim
