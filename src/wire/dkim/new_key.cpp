#include "wire/dkim/new_key.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <memory>

#include "base/openssl.hpp"

namespace postrider::wire::dkim {
namespace {

base::KeyPtr made(KeyType type, int bits) {
  if (type == KeyType::rsa) return base::KeyPtr(EVP_RSA_gen(static_cast<std::size_t>(bits)));
  return base::KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

}  // namespace

std::string make_key(KeyType type, int bits) {
  const base::KeyPtr key = made(type, bits);
  const base::BioPtr out(BIO_new(BIO_s_mem()));
  if (!key || !out ||
      PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    std::abort();
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace postrider::wire::dkim
