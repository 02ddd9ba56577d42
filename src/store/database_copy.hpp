// A consistent copy of a database that others may be writing to. Blocking.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// Into a file that must not exist: complete and synced before it bears its name (until then it is `to` + ".partial").
// The WAL of the one that is copied can't be emptied meanwhile, so it grows by what is written. Failure: temporary; then `database` is
// of no more use.
base::Result<void> copy_database(Database& database, const std::filesystem::path& to);

}  // namespace postrider::store
