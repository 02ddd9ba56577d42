// DKIM signatures of our own, RFC 6376 5.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "wire/dkim/body_hasher.hpp"
#include "wire/dkim/header_index.hpp"
#include "wire/dkim/keys.hpp"

namespace postrider::wire::dkim {

struct SigningKey {
  mail::Domain domain;   // d=
  std::string selector;  // s=, as parse_selector() gives it
  PrivateKey key;
};

struct Signing {
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  base::UtcTime now;                               // t=
  std::optional<std::chrono::seconds> good_for{};  // x= is so much after t=; without it, there is no x=
  std::vector<std::string> also{};                 // names of more fields to sign, as often as they are there
};

// What h= of a signature of ours has: the fields that a reader sees or that decide how the body is read, each once more
// than it is there, so that none can be added; and those that a list or a resender may add, as often as they are there.
// RFC 6376 5.4, 5.4.1, 8.15. At most kMaxSignedFields names: of a name that is there more than 16 times only the lowest 16.
// `also`: Signing's.
std::vector<std::string> fields_to_sign(const HeaderIndex& header, std::span<const std::string> also = {});

// One whole DKIM-Signature field with its CRLF for each key, in their order. `header` is that of the message as it goes out;
// `body_hash` is of BodyForm{signing.body, {}}. The same for the same input, always. No line is longer than 78 octets
// unless a name has that length. Any thread.
std::vector<std::string> sign(const HeaderIndex& header, const Digest& body_hash,
                              std::span<const SigningKey> keys, const Signing& signing);

}  // namespace postrider::wire::dkim
