#include "wire/dkim/keys.hpp"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdlib>

#include "base/openssl.hpp"
#include "wire/dkim/der.hpp"

namespace postrider::wire::dkim {
namespace {

constexpr std::size_t kMostExponent = 8;
constexpr std::size_t kEd25519 = 32;

using Error = std::unexpected<std::string>;
using Key = std::shared_ptr<EVP_PKEY>;

void require(bool done) {
  if (!done) std::abort();
}

base::NumberPtr number_of(std::string_view big_endian) {
  return base::NumberPtr(BN_bin2bn(base::octets(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

Key make_rsa(const RsaNumbers& numbers) {
  const base::BuilderPtr builder(OSSL_PARAM_BLD_new());
  const base::NumberPtr n = number_of(numbers.modulus), e = number_of(numbers.exponent);
  if (!builder || !n || !e || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return {};
  const base::ParametersPtr parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const base::KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return {};
  return Key(key, EVP_PKEY_free);
}

// With the padding and hash of DKIM, for the operation that `init` begins. RFC 6376 3.3
base::KeyContextPtr rsa_context(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  base::KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), sha256) != 1)
    return {};
  return context;
}

std::string sign_rsa(EVP_PKEY* key, const Digest& hash) {
  const base::KeyContextPtr context = rsa_context(key, EVP_PKEY_sign_init);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  require(context && EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                   hash.data(), hash.size()) == 1);
  signature.resize(size);
  return signature;
}

std::string sign_ed25519(EVP_PKEY* key, const Digest& hash) {
  const base::DigestContextPtr context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  require(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
          EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         hash.data(), hash.size()) == 1);
  return signature;
}

// A key with a passphrase is refused, instead of asking on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

PublicKey::PublicKey(KeyType type, std::shared_ptr<EVP_PKEY> key, std::shared_ptr<EVP_PKEY_CTX> verification)
    : type_(type),
      bits_(type == KeyType::rsa ? EVP_PKEY_get_bits(key.get()) : 256),
      key_(std::move(key)),
      verification_(std::move(verification)) {}

std::expected<PublicKey, std::string> PublicKey::parse(KeyType type, std::string_view octets) {
  if (type == KeyType::ed25519) {
    if (octets.size() != kEd25519) return Error("an Ed25519 key that has not 32 octets");
    Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, base::octets(octets), octets.size()),
            EVP_PKEY_free);
    if (!key) return Error("no Ed25519 key");
    return PublicKey(type, std::move(key), nullptr);
  }
  const auto numbers = parse_rsa_key(octets);
  if (!numbers) return Error("no RSA key");
  if (numbers->modulus.size() > kLongestRsa / 8) return Error("an RSA key of more than 8192 bits");
  if (numbers->exponent.size() > kMostExponent) return Error("an RSA key with a huge exponent");
  Key key = make_rsa(*numbers);
  base::KeyContextPtr verification = key ? rsa_context(key.get(), EVP_PKEY_verify_init) : nullptr;
  if (!verification) return Error("no RSA key");
  return PublicKey(type, std::move(key), std::move(verification));
}

bool PublicKey::verify(const Digest& hash, std::string_view signature) const {
  if (type_ == KeyType::rsa)
    return EVP_PKEY_verify(verification_.get(), base::octets(signature), signature.size(), hash.data(),
                           hash.size()) == 1;
  const base::DigestContextPtr context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), base::octets(signature), signature.size(), hash.data(),
                          hash.size()) == 1;
}

PrivateKey::PrivateKey(KeyType type, std::shared_ptr<EVP_PKEY> key)
    : type_(type), bits_(type == KeyType::rsa ? EVP_PKEY_get_bits(key.get()) : 256), key_(std::move(key)) {}

base::Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const auto refused = [](std::string why) { return base::permanent({5, 7, 5}, std::move(why)); };
  constexpr std::size_t kMostPem = 64 * 1024;
  if (pem.size() > kMostPem) return refused("no private key: more than 64 KiB");
  const base::BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  require(text != nullptr);
  Key key(PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
  if (!key) return refused("no private key in PEM, or one with a passphrase");
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) return PrivateKey(KeyType::ed25519, std::move(key));
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) return refused("a private key that is neither RSA nor Ed25519");
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kWeakestRsa || bits > kLongestRsa)
    return refused("an RSA key of " + std::to_string(bits) + " bits, not of 1024 to 8192");
  return PrivateKey(KeyType::rsa, std::move(key));
}

std::string PrivateKey::sign(const Digest& hash) const {
  return type_ == KeyType::rsa ? sign_rsa(key_.get(), hash) : sign_ed25519(key_.get(), hash);
}

std::string PrivateKey::public_octets() const {
  if (type_ == KeyType::ed25519) {
    std::string octets(kEd25519, '\0');
    std::size_t size = octets.size();
    require(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(octets.data()), &size) ==
            1);
    return octets;
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  require(size > 0);
  std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return octets;
}

}  // namespace postrider::wire::dkim
