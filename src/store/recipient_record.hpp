// What changes of a recipient, as a record. What does not change stands in the envelope's record; state and
// due time are columns of the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "mail/outcome.hpp"

namespace postrider::store {

struct RecipientRecord {
  std::uint32_t attempts = 0;
  bool warned = false;
  std::optional<mail::Outcome> last;
  // It goes back to its sender where it is not delivered by then (RFC 2852): a copy from the envelope, so that a start
  // can find all of these without reading that.
  std::optional<base::UtcTime> back_by = {};
  std::string unknown;       // fields of a newer binary, kept through rewriting
  std::string last_unknown;  // the same inside `last`; goes with it
  bool operator==(const RecipientRecord&) const = default;
};

// Pure; any thread. decode: nothing where the bytes are damaged or of a newer version.
std::string encode(const RecipientRecord& record);
std::optional<RecipientRecord> decode_recipient(std::string_view bytes);

}  // namespace postrider::store
