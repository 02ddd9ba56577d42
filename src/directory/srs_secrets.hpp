// The secrets by which a forwarder knows again the addresses that it made (wire/srs). They stand beside the credentials in the
// directory's database (registry.hpp).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "store/sqlite.hpp"
#include "sys/random.hpp"

namespace postrider::directory {

struct SrsSecret {
  base::UtcTime made;
  std::string octets;
  bool operator==(const SrsSecret&) const = default;
};
// The newest first: addresses are made with that one, and known again by any. At most kMostSrsSecrets.
using SrsSecrets = std::vector<SrsSecret>;

inline constexpr std::size_t kSrsSecret = 32;
inline constexpr std::size_t kMostSrsSecrets = 20;  // 365 days of the longest srs.max_age, and some
inline constexpr base::Milliseconds kNewSrsSecret = std::chrono::days(30);

// Whether renewed() would change them.
bool are_due(const SrsSecrets& secrets, base::UtcTime now, base::Milliseconds max_age);
// With a new one where there is none, or the newest is older than kNewSrsSecret; without those by which no address was made that
// is not older than `max_age`.
SrsSecrets renewed(SrsSecrets secrets, base::UtcTime now, base::Milliseconds max_age, sys::Random& random);

// Both throw store::SqlError; the second within a transaction.
SrsSecrets read_srs_secrets(store::Database& database);
void write_srs_secrets(store::Database& database, const SrsSecrets& secrets);

}  // namespace postrider::directory
