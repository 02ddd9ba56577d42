// The tables of the reports' database, their format number and the way from an older format to this one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postrider::reports {

// "PRre" in the file's header: the file is ours.
inline constexpr std::int32_t kApplicationId = 0x50527265;

// steps[n] leads from format n to format n + 1; steps[0] makes the first tables in an empty file.
std::span<const char* const> schema_steps();

// Whether it is one of ours, of a format that is known. Failure: permanent. Throws SqlError.
base::Result<void> check_copy(store::Database& database, const std::filesystem::path& path);

// See store/migration.hpp.
base::Result<void> migrate(store::Database& database, const std::filesystem::path& path,
                           std::span<const char* const> steps);

}  // namespace postrider::reports
