// Records that can't be read are moved aside, so that the rest of the spool goes on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "store/by_state.hpp"
#include "store/recipient_id.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// One record that can't be read, or a body of which a piece is missing.
struct BadRecord {
  enum class What : std::uint8_t { envelope, edits, body, recipient };
  What what = What::envelope;
  RecipientId id;  // `index` is of use for a recipient only
  std::string why;
};
std::string_view to_string(BadRecord::What what);

// What went out of the queue with it.
struct Taken {
  std::uint64_t recipients = 0;
  ByState by_state{};    // these
  bool message = false;  // none of its recipients is left open
};

// Copies the record into the quarantine table and marks its recipient (of an envelope, edits or a body: all of
// them), so that no claim yields it again. Nothing is deleted: an operator may mend the record and set the state
// back. Does nothing where it was done before. Within the caller's transaction; throws SqlError.
Taken quarantine(Database& database, const BadRecord& bad, base::UtcTime now);

}  // namespace postrider::store
