// Hashes that other servers made, in Dovecot's {SCHEME} form.
#include <crypt.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "base/ascii.hpp"
#include "directory/password.hpp"

namespace postrider::directory {
namespace {

constexpr std::size_t kMostHash = 512;
constexpr std::uint32_t kMostBcryptCost = 15;         // 2^15: about 2 s
constexpr std::uint32_t kMostShaRounds = 2'000'000;   // about 1 s
constexpr std::uint32_t kMostPbkdf2 = 5'000'000;      // about 1 s
constexpr std::uint32_t kMostArgonMemory = 1u << 20;  // KiB
constexpr std::uint32_t kMostArgonPasses = 20;

using Hashed = base::Result<std::string>;

std::unexpected<base::Failure> fault(const std::string& what) { return base::permanent({5, 5, 4}, what); }

struct Split {
  std::string scheme;  // upper case; empty: none
  std::string_view rest;
};

Split split(std::string_view text) {
  if (!text.starts_with('{')) return {{}, text};
  const auto close = text.find('}');
  if (close == text.npos) return {"?", text};
  return {base::upper(text.substr(1, close - 1)), text.substr(close + 1)};
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return {};
  return value;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::ranges::any_of(starts, [&](std::string_view start) { return text.starts_with(start); });
}

// What stands between `before` and the next of `ends`.
std::string_view between(std::string_view text, std::string_view before, std::string_view ends) {
  const auto start = text.find(before);
  if (start == text.npos) return {};
  const auto rest = text.substr(start + before.size());
  return rest.substr(0, rest.find_first_of(ends));
}

// --- crypt(3): bcrypt, SHA-2 crypt, yescrypt ---

// libxcrypt's answer to a setting that it can't read begins with a star.
std::string crypt_with(const std::string& setting, std::string_view password) {
  if (password.size() > CRYPT_MAX_PASSPHRASE_SIZE - 1 || password.contains('\0')) return {};
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(std::string(password).c_str(), setting.c_str(), data.get());
  std::string result = made && *made != '*' ? made : "";
  sodium_memzero(data.get(), sizeof(crypt_data));
  return result;
}

Hashed parse_crypt(std::string_view hash) {
  if (starts_with_any(hash, {"$2a$", "$2b$", "$2y$"})) {
    const auto cost = number(hash.substr(4, 2));
    if (!cost || hash.size() != 60) return fault("a damaged bcrypt hash: these have 60 characters");
    if (*cost > kMostBcryptCost)
      return fault("bcrypt with a cost above 15, which takes longer than a login may");
    return "{BLF-CRYPT}" + std::string(hash);
  }
  if (starts_with_any(hash, {"$6$", "$5$"})) {
    const bool long_one = hash[1] == '6';
    const auto rounds = between(hash, "$rounds=", "$");
    if (!rounds.empty() && number(rounds).value_or(kMostShaRounds + 1) > kMostShaRounds)
      return fault("SHA-2 crypt with more than 2000000 rounds, which takes longer than a login may");
    if (hash.size() - hash.rfind('$') - 1 != (long_one ? 86 : 43)) return fault("a damaged SHA-2 crypt hash");
    return (long_one ? "{SHA512-CRYPT}" : "{SHA256-CRYPT}") + std::string(hash);
  }
  if (hash.starts_with("$y$")) return "{CRYPT}" + std::string(hash);
  return fault(
      "a crypt hash of a kind that is too weak, or not known: bcrypt ($2a$, $2b$, $2y$), SHA-2 ($5$, $6$) "
      "and yescrypt ($y$) are taken");
}

// --- {PBKDF2}$1$salt$rounds$hex: HMAC-SHA-1, the salt as it stands ---

struct Pbkdf2 {
  std::string_view salt;
  std::uint32_t rounds = 0;
  std::string key;
};

std::optional<Pbkdf2> read_pbkdf2(std::string_view text) {
  if (!text.starts_with("$1$")) return {};
  text.remove_prefix(3);
  const auto first = text.find('$');
  const auto second = first == text.npos ? first : text.find('$', first + 1);
  if (second == text.npos) return {};
  const auto rounds = number(text.substr(first + 1, second - first - 1));
  const auto hex = text.substr(second + 1);
  std::string key(20, '\0');
  std::size_t size = 0;
  const char* stop = nullptr;
  if (!rounds || first == 0 || hex.size() != 40 ||
      sodium_hex2bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), hex.data(), hex.size(),
                     nullptr, &size, &stop) != 0 ||
      size != key.size())
    return {};
  return Pbkdf2{text.substr(0, first), *rounds, std::move(key)};
}

Hashed parse_pbkdf2(std::string_view hash) {
  const auto read = read_pbkdf2(hash);
  if (!read) return fault("a damaged {PBKDF2} hash: it is $1$salt$rounds$ and 40 hexadecimal digits");
  if (read->rounds == 0 || read->rounds > kMostPbkdf2)
    return fault("{PBKDF2} with no rounds, or more than 5000000, which takes longer than a login may");
  return "{PBKDF2}" + std::string(hash);
}

bool verify_pbkdf2(std::string_view hash, std::string_view password) {
  const auto read = read_pbkdf2(hash);
  std::array<unsigned char, 20> key{};
  return read &&
         PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                           reinterpret_cast<const unsigned char*>(read->salt.data()),
                           static_cast<int>(read->salt.size()), static_cast<int>(read->rounds), EVP_sha1(),
                           static_cast<int>(key.size()), key.data()) == 1 &&
         sodium_memcmp(key.data(), read->key.data(), key.size()) == 0;
}

// --- Argon2 ---

Hashed parse_argon2(std::string_view hash) {
  if (!starts_with_any(hash, {"$argon2id$v=19$", "$argon2i$v=19$"})) return fault("a damaged Argon2 hash");
  const auto memory = number(between(hash, "$m=", ","));
  const auto passes = number(between(hash, ",t=", ","));
  if (!memory || !passes) return fault("a damaged Argon2 hash");
  if (*memory > kMostArgonMemory || *passes > kMostArgonPasses)
    return fault("Argon2 with more than 1 GiB or 20 passes, which takes more than a login may");
  if (hash.size() >= crypto_pwhash_STRBYTES)
    return fault("an Argon2 hash that is too long: 127 characters are read");
  return (hash.starts_with("$argon2id$") ? "{ARGON2ID}" : "{ARGON2I}") + std::string(hash);
}

}  // namespace

Hashed parse_foreign_hash(std::string_view text) {
  if (text.size() > kMostHash || !base::is_ascii(text) ||
      std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f; }))
    return fault("a password hash is at most 512 characters of ASCII without spaces");
  const auto [scheme, rest] = split(text);
  if (scheme == "ARGON2ID" || scheme == "ARGON2I" || (scheme.empty() && rest.starts_with("$argon2")))
    return parse_argon2(rest);
  if (scheme == "PBKDF2") return parse_pbkdf2(rest);
  if (scheme == "BLF-CRYPT" || scheme == "SHA512-CRYPT" || scheme == "SHA256-CRYPT" || scheme == "CRYPT" ||
      (scheme.empty() && rest.starts_with('$')))
    return parse_crypt(rest);
  return fault(
      "not a password hash of a scheme that is taken: {BLF-CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT}, {CRYPT}, "
      "{PBKDF2}, {ARGON2ID}, {ARGON2I}");
}

bool verify_foreign(const std::string& hash, std::string_view password) {
  // For crypt(3) it would end there; HMAC fills up its key with NULs.
  if (password.contains('\0')) return false;
  const auto [scheme, rest] = split(hash);
  if (scheme == "PBKDF2") return verify_pbkdf2(rest, password);
  if (scheme.starts_with("ARGON2"))
    return crypto_pwhash_str_verify(std::string(rest).c_str(), password.data(), password.size()) == 0;
  const std::string made = crypt_with(std::string(rest), password);
  return made.size() == rest.size() && sodium_memcmp(made.data(), rest.data(), made.size()) == 0;
}

}  // namespace postrider::directory
