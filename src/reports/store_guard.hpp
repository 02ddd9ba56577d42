// Where faults of the database become failures.
#pragma once

#include <filesystem>
#include <utility>

#include "base/result.hpp"
#include "store/sqlite.hpp"
#include "sys/log.hpp"

namespace postrider::reports {

inline base::Failure failure_of(const store::SqlError& error, const std::filesystem::path& file) {
  const std::string log = file.string() + ": " + error.what();
  if (error.is_damage()) return {{5, 3, 0}, "the reports are damaged", log};
  return {{4, 3, 0}, "the reports can't be read or written now", log};
}

// Runs `work`, which may throw store::SqlError, and rolls back what it left open.
template <class Work>
auto guarded(store::Database& database, const std::filesystem::path& file, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const store::SqlError& error) {
    try {
      if (database.in_transaction()) database.execute("ROLLBACK");
    } catch (const store::SqlError& second) {
      sys::log::error("reports_rollback", {{"why", second.what()}});
    }
    return std::unexpected(failure_of(error, file));
  }
}

}  // namespace postrider::reports
