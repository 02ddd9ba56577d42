// An envelope as a record: all of mail::Envelope but what changes of its recipients (state, attempts, due,
// last outcome), which the recipient table has.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/envelope.hpp"

namespace postrider::store {

struct EnvelopeRecord {
  mail::Envelope envelope;
  // Fields of a newer binary, kept through rewriting: of the envelope, of its origin, of each recipient.
  std::string unknown;
  std::string origin_unknown;
  std::vector<std::string> recipient_unknown;  // as many as recipients, or none
  bool operator==(const EnvelopeRecord&) const = default;
};

// Pure; any thread. decode: nothing where the bytes are damaged, of a newer version, or hold an address
// that Address::parse refuses.
std::string encode(const EnvelopeRecord& record);
std::string encode(const mail::Envelope& envelope);
std::optional<EnvelopeRecord> decode_envelope(std::string_view bytes);

}  // namespace postrider::store
