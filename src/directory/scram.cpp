#include "directory/scram.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <charconv>
#include <cstdlib>

namespace postrider::directory {
namespace {

constexpr std::size_t kDigest = 32;
constexpr std::string_view kMechanism = "SCRAM-SHA-256$";

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(kDigest, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), octets(digest), nullptr, EVP_sha256(), nullptr) != 1)
    std::abort();
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string digest(kDigest, '\0');
  unsigned size = 0;
  // A null key would mean "the key of before".
  const void* const start = key.empty() ? "" : key.data();
  if (!HMAC(EVP_sha256(), start, static_cast<int>(key.size()), octets(bytes), bytes.size(), octets(digest),
            &size))
    std::abort();
  return digest;
}

ScramKeys make_scram_keys(std::string_view password, std::string salt, std::uint32_t iterations) {
  std::string salted(kDigest, '\0');
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt),
                        static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(), kDigest,
                        octets(salted)) != 1)
    std::abort();
  return {.salt = std::move(salt),
          .iterations = iterations,
          .stored_key = sha256(hmac_sha256(salted, "Client Key")),
          .server_key = hmac_sha256(salted, "Server Key")};
}

std::optional<std::size_t> match_proof(std::span<const ScramKeys> keys, std::string_view auth_message,
                                       std::string_view client_proof) {
  if (client_proof.size() != kDigest) return {};
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::string client_key = hmac_sha256(keys[i].stored_key, auth_message);
    for (std::size_t at = 0; at < kDigest; ++at)
      client_key[at] = static_cast<char>(client_key[at] ^ client_proof[at]);
    const std::string stored = sha256(client_key);
    if (keys[i].stored_key.size() == kDigest &&
        sodium_memcmp(stored.data(), keys[i].stored_key.data(), kDigest) == 0)
      found = i;
  }
  return found;
}

std::string to_base64(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), octets(bytes), bytes.size(), kVariant);
  text.pop_back();  // the terminating NUL
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(octets(bytes), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0)
    return {};
  bytes.resize(size);
  return bytes;
}

std::string to_string(const ScramKeys& keys) {
  return std::string(kMechanism) + std::to_string(keys.iterations) + ':' + to_base64(keys.salt) + '$' +
         to_base64(keys.stored_key) + ':' + to_base64(keys.server_key);
}

base::Result<ScramKeys> parse_scram_keys(std::string_view text) {
  const auto fault =
      base::permanent({5, 5, 4}, "not of the form SCRAM-SHA-256$iterations:salt$stored:server");
  if (!text.starts_with(kMechanism)) return fault;
  text.remove_prefix(kMechanism.size());
  const auto colon = text.find(':');
  const auto dollar = text.find('$');
  const auto second = text.rfind(':');
  if (colon == text.npos || dollar == text.npos || dollar < colon || second < dollar) return fault;
  ScramKeys keys;
  const char* const end = text.data() + colon;
  const auto [stop, error] = std::from_chars(text.data(), end, keys.iterations);
  const auto salt = from_base64(text.substr(colon + 1, dollar - colon - 1));
  const auto stored = from_base64(text.substr(dollar + 1, second - dollar - 1));
  const auto server = from_base64(text.substr(second + 1));
  if (error != std::errc() || stop != end || !salt || !stored || !server) return fault;
  if (keys.iterations < 4096 || keys.iterations > kMostScramIterations)
    return base::permanent({5, 5, 4}, "SCRAM with fewer than 4096 or more than 10000000 iterations");
  if (salt->empty() || salt->size() > 64 || stored->size() != kDigest || server->size() != kDigest)
    return fault;
  keys.salt = *salt;
  keys.stored_key = *stored;
  keys.server_key = *server;
  return keys;
}

}  // namespace postrider::directory
