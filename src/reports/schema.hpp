// The tables of the reports' database, and the way to them from an older format.
#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "store/migration.hpp"

namespace postrider::reports {

// For store::migrate(). Good as long as the process lives.
store::Format schema();

// Whether it is one of ours, of a format that is known. Failure: permanent. Throws SqlError.
base::Result<void> check_copy(store::Database& database, const std::filesystem::path& path);

}  // namespace postrider::reports
