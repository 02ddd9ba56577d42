// SHA-256, the one hash of DKIM and ARC. RFC 8301 3.1
#pragma once

#include <openssl/types.h>

#include <array>
#include <memory>
#include <string_view>

namespace postrider::wire::dkim {

using Digest = std::array<unsigned char, 32>;

// The octets of a digest, for base64.
std::string_view octets(const Digest& digest);

// Used by one thread at a time. Aborts where OpenSSL has no SHA-256 or no memory.
class Sha256 {
 public:
  Sha256();
  // Goes on from where the other is.
  Sha256(const Sha256& other);
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view octets);
  // Of what came so far; more may follow.
  Digest value() const&;
  Digest value() &&;  // the last use

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

Digest sha256(std::string_view octets);

}  // namespace postrider::wire::dkim
