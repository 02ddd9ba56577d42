// As much of DER as RSA public keys need.
#pragma once

#include <optional>
#include <string_view>

namespace postrider::wire::dkim {

// Big-endian, without leading zeros; neither is empty. Views into what was parsed.
struct RsaNumbers {
  std::string_view modulus, exponent;
};

// An RSAPublicKey (RFC 8017 Appendix A), bare or in a SubjectPublicKeyInfo (RFC 5280 4.1) whose algorithm is rsaEncryption.
// Nothing for all else, what stands behind it included.
std::optional<RsaNumbers> parse_rsa_key(std::string_view der);

}  // namespace postrider::wire::dkim
