// Public keys as the DNS has them, RFC 6376 3.6.1.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace postrider::wire::dkim {

enum class KeyType : std::uint8_t { rsa, ed25519 };  // RFC 6376 3.6.1, RFC 8463 4
std::string_view to_string(KeyType type);

struct KeyRecord {
  KeyType type = KeyType::rsa;
  std::string public_key;     // p=, decoded; empty: the key was revoked
  bool allows_sha256 = true;  // h=
  bool allows_email = true;   // s=
  bool testing = false;       // t=y: a bad signature counts as none
  bool strict = false;        // t=s: i= has to be at d= itself
  std::string notes;          // n=, as written
  bool operator==(const KeyRecord&) const = default;
};

// `text`: one TXT record, its strings joined. The error is for people. Tags that are not known are passed over, among them
// the g= of RFC 4871.
std::expected<KeyRecord, std::string> parse_key_record(std::string_view text);

// "v=DKIM1; k=rsa; p=...", ready for the DNS. `public_key` as in KeyRecord.
std::string write_key_record(KeyType type, std::string_view public_key);

}  // namespace postrider::wire::dkim
