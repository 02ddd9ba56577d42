// Which key the DNS gives for a signature, or why it gives none. RFC 6376 6.1.2
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "wire/dkim/keys.hpp"

namespace postrider::wire::dkim {

// What the DNS said of a selector's name.
struct KeyAnswer {
  enum class Kind : std::uint8_t { found, absent, unavailable };
  Kind kind = Kind::absent;
  std::vector<std::string> records;  // TXT records; at least one where found
  std::string trouble;               // for people: what failed, where unavailable
};

struct ChosenKey {
  std::string text;  // of the record, as read
  KeyRecord record;
  PublicKey key;  // for the thread that chose it: its next choice of the same record shares it
};

struct NoKey {
  Result result = Result::permerror;  // or temperror, or policy for a weak key
  std::string why;                    // for people
  std::string text;                   // of the record, where one was read
  int bits = 0;                       // of the key, where one was read
  bool testing = false;               // by the record
  Fault fault = Fault::no_key;
};

// A selector has one key: where several records are keys none is taken, since the owner can't mean it, and which of them a
// verifier took would be chance. Records that are no keys, as a wildcard brings them, are passed over.
std::expected<ChosenKey, NoKey> choose_key(Algorithm algorithm, const KeyAnswer& answer);

}  // namespace postrider::wire::dkim
