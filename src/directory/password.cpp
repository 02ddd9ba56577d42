#include "directory/password.hpp"

#include <gsasl.h>
#include <sodium.h>

#include <cstdlib>
#include <memory>

#include "base/ascii.hpp"
#include "directory/scram.hpp"

namespace postrider::directory {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // no i, l, o, u
constexpr std::size_t kAppPasswordLetters = 26;  // 5 bits each: 128 and two of zero
constexpr std::size_t kAppPasswordOctets = 16;

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};

// Also with characters that are younger than SASLprep's Unicode 3.2: RFC 8265 4.2 takes them. It reads to the
// first NUL.
std::optional<std::string> saslprep(std::string_view text) {
  if (text.contains('\0')) return {};
  char* out = nullptr;
  const int code = gsasl_saslprep(std::string(text).c_str(), GSASL_ALLOW_UNASSIGNED, &out, nullptr);
  const std::unique_ptr<char, Free> held(out);
  if (code != GSASL_OK || !out) return {};
  return std::string(out);
}

}  // namespace

base::Result<std::string> prepare_new_password(std::string_view password) {
  if (password.empty()) return base::permanent({5, 5, 4}, "the password is empty");
  if (password.size() > kMostPasswordOctets)
    return base::permanent({5, 5, 4}, "the password has more than 512 octets");
  auto prepared = saslprep(password);
  if (!prepared || prepared->empty())
    return base::permanent(
        {5, 5, 4},
        "the password is no UTF-8, or has a control character or one that not all programs can send");
  return std::move(*prepared);
}

std::string prepare_password(std::string_view password) {
  return saslprep(password).value_or(std::string(password));
}

std::string make_app_password(sys::Random& random) {
  const std::string bits = random.bytes(kAppPasswordOctets);
  std::string text;
  for (std::size_t letter = 0; letter < kAppPasswordLetters; ++letter) {
    unsigned value = 0;
    for (std::size_t bit = letter * 5; bit < letter * 5 + 5; ++bit) {
      const unsigned octet = bit / 8 < bits.size() ? static_cast<unsigned char>(bits[bit / 8]) : 0u;
      value = value << 1 | (octet >> (7 - bit % 8) & 1u);
    }
    if (letter > 0 && letter % 5 == 0 && letter < 25) text += '-';
    text += kAlphabet[value];
  }
  return text;
}

std::optional<std::string> app_password_secret(std::string_view text) {
  std::string secret;
  for (const char c : text) {
    if (c == '-' || c == ' ') continue;
    const char low = base::to_lower(c);
    if (secret.size() == kAppPasswordLetters || !kAlphabet.contains(low)) return {};
    secret += low;
  }
  if (secret.size() != kAppPasswordLetters) return {};
  return secret;
}

std::string hash_app_password(std::string_view secret) {
  return sha256("postrider app password " + std::string(secret));
}

Cost cost_of(config::PasswordCost cost) {
  if (cost == config::PasswordCost::moderate)
    return {crypto_pwhash_argon2id_OPSLIMIT_MODERATE, crypto_pwhash_argon2id_MEMLIMIT_MODERATE};
  return {crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE, crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE};
}

Cost cheapest_cost() { return {crypto_pwhash_argon2id_OPSLIMIT_MIN, crypto_pwhash_argon2id_MEMLIMIT_MIN}; }

Argon2::Argon2(Cost cost) : cost_(cost) {
  if (sodium_init() < 0) std::abort();
}

base::Result<std::string> Argon2::hash(std::string_view password) const {
  ++runs_;
  std::string hash(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), cost_.operations, cost_.memory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0)
    return base::temporary({4, 3, 0}, "not enough memory to hash a password");
  hash.resize(hash.find('\0'));
  return hash;
}

bool Argon2::verify(const std::string& hash, std::string_view password) const {
  ++runs_;
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

bool Argon2::is_outdated(const std::string& hash) const {
  return crypto_pwhash_str_needs_rehash(hash.c_str(), cost_.operations, cost_.memory) != 0;
}

}  // namespace postrider::directory
