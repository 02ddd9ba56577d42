#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <boost/json/array.hpp>

#include "base/openssl.hpp"
#include "tokens/json.hpp"
#include "tokens/jwt.hpp"
#include "wire/base64.hpp"

namespace postrider::tokens {
namespace {

constexpr int kWeakestRsa = 2048;  // RFC 7518 3.3
constexpr int kLongestRsa = 8192;  // longer ones cost too much to check
constexpr std::size_t kCoordinate = 32;

using Key = std::shared_ptr<EVP_PKEY>;

base::NumberPtr number_of(std::string_view bytes) {
  return base::NumberPtr(BN_bin2bn(base::octets(bytes), static_cast<int>(bytes.size()), nullptr));
}

Key make_key(const char* kind, OSSL_PARAM_BLD* builder) {
  const base::ParametersPtr parameters(OSSL_PARAM_BLD_to_param(builder));
  const base::KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return {};
  return Key(key, EVP_PKEY_free);
}

// RFC 7518 6.3.1
Key rsa_key(const std::string& modulus, const std::string& exponent) {
  if (modulus.empty() || modulus.size() > kLongestRsa / 8 + 1 || exponent.empty() || exponent.size() > 8)
    return {};
  const base::BuilderPtr builder(OSSL_PARAM_BLD_new());
  const base::NumberPtr n = number_of(modulus), e = number_of(exponent);
  if (!builder || !n || !e || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return {};
  auto key = make_key("RSA", builder.get());
  if (!key || EVP_PKEY_get_bits(key.get()) < kWeakestRsa || EVP_PKEY_get_bits(key.get()) > kLongestRsa)
    return {};
  return key;
}

// RFC 7518 6.2.1; a point that is not on the curve is refused by OpenSSL.
Key ec_key(const std::string& x, const std::string& y) {
  if (x.size() != kCoordinate || y.size() != kCoordinate) return {};
  const std::string point = '\x04' + x + y;
  const base::BuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1)
    return {};
  return make_key("EC", builder.get());
}

// RFC 8037 2
Key ed25519_key(const std::string& x) {
  if (x.size() != kCoordinate) return {};
  return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, base::octets(x), x.size()),
             EVP_PKEY_free);
}

// r and s side by side become what OpenSSL reads. RFC 7518 3.4
std::string der_of(const std::string& signature) {
  if (signature.size() != 2 * kCoordinate) return {};
  const std::unique_ptr<ECDSA_SIG, base::Free<ECDSA_SIG_free>> pair(ECDSA_SIG_new());
  base::NumberPtr r = number_of(std::string_view(signature).substr(0, kCoordinate));
  base::NumberPtr s = number_of(std::string_view(signature).substr(kCoordinate));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();
  (void)s.release();
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &out);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

bool verify_with(EVP_PKEY* key, const Jws& jws) {
  const std::string signature = jws.algorithm == Algorithm::es256 ? der_of(jws.signature) : jws.signature;
  const EVP_MD* hash = jws.algorithm == Algorithm::eddsa ? nullptr : EVP_sha256();
  const base::DigestContextPtr context(EVP_MD_CTX_new());
  return context && !signature.empty() &&
         EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), base::octets(signature), signature.size(),
                          base::octets(jws.signed_part), jws.signed_part.size()) == 1;
}

struct KeyMembers {
  const boost::json::object& object;
  std::string text(std::string_view name) const { return text_of(object, name); }
  std::string binary(std::string_view name) const {
    return wire::from_base64url(text(name)).value_or(std::string());
  }
};

std::optional<KeySet::Key> parse_key(const KeyMembers& members) {
  const auto use = members.text("use");
  if (!use.empty() && use != "sig") return {};
  const auto kind = members.text("kty"), curve = members.text("crv"), algorithm = members.text("alg");
  KeySet::Key key{.id = members.text("kid"), .algorithm = {}, .key = {}};
  std::string_view fits;
  if (kind == "RSA") {
    key.algorithm = Algorithm::rs256;
    key.key = rsa_key(members.binary("n"), members.binary("e"));
    fits = "RS256";
  } else if (kind == "EC" && curve == "P-256") {
    key.algorithm = Algorithm::es256;
    key.key = ec_key(members.binary("x"), members.binary("y"));
    fits = "ES256";
  } else if (kind == "OKP" && curve == "Ed25519") {
    key.algorithm = Algorithm::eddsa;
    key.key = ed25519_key(members.binary("x"));
    fits = "EdDSA";
  }
  if (!key.key || (!algorithm.empty() && algorithm != fits)) return {};
  return key;
}

}  // namespace

base::Result<KeySet> KeySet::parse(std::string_view json) {
  if (json.size() > kMostKeySet) return refused("a key set of more than 256 KiB");
  const auto object = parse_object(json);
  const auto* keys = object ? object->if_contains("keys") : nullptr;
  if (!keys || !keys->is_array()) return refused("no JSON Web Key Set");
  KeySet set;
  for (const auto& each : keys->get_array()) {
    if (!each.is_object() || set.keys_.size() == kMostKeys) continue;
    // What we don't know is left out, as RFC 7517 5 asks.
    if (auto key = parse_key({each.get_object()})) set.keys_.push_back(std::move(*key));
  }
  if (set.keys_.empty()) return refused("a key set without a key for RS256, ES256 or EdDSA");
  return set;
}

bool KeySet::has(std::string_view key_id) const {
  for (const auto& key : keys_)
    if (key.id == key_id) return true;
  return false;
}

bool KeySet::verify(const Jws& jws) const {
  for (const auto& key : keys_) {
    if (key.algorithm != jws.algorithm || (!jws.key_id.empty() && key.id != jws.key_id)) continue;
    if (verify_with(key.key.get(), jws)) return true;
  }
  return false;
}

}  // namespace postrider::tokens
