// SCRAM-SHA-256's keys (RFC 5802, RFC 7677), computed by OpenSSL.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "directory/credential.hpp"

namespace postrider::directory {

// What RFC 7677 4 asks for is 4096; this is what a stolen store should cost.
inline constexpr std::uint32_t kScramIterations = 100'000;
inline constexpr std::uint32_t kMostScramIterations = 10'000'000;
inline constexpr std::size_t kScramSalt = 16;

// Of a prepared password (password.hpp). About 30 ms at kScramIterations: not on an I/O thread. RFC 5802 3
ScramKeys make_scram_keys(std::string_view password, std::string salt, std::uint32_t iterations);

// Which of `keys` belongs to the password that a client has proved to have; nothing: none. `auth_message` is
// client-first-message-bare "," server-first-message "," client-final-message-without-proof. Takes the same
// time for each. RFC 5802 3
std::optional<std::size_t> match_proof(std::span<const ScramKeys> keys, std::string_view auth_message,
                                       std::string_view client_proof);

// "SCRAM-SHA-256$100000:salt$stored:server", the binary parts in base64: as PostgreSQL writes it.
std::string to_string(const ScramKeys& keys);
base::Result<ScramKeys> parse_scram_keys(std::string_view text);

// Both by OpenSSL; 32 octets.
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace postrider::directory
