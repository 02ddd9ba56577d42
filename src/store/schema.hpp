// The spool's tables, their format number and the way from an older format to this one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// "PRsp" in the file's header: the file is ours.
inline constexpr std::int32_t kApplicationId = 0x50527370;

// What a recipient's `state` column holds beside the values of mail::RecipientState.
inline constexpr std::int64_t kQuarantined = 9;

// steps[n] leads from format n to format n + 1; steps[0] makes the first tables in an empty file.
std::span<const char* const> schema_steps();

// Of a new file. Where a file has it already nothing is written, as the pragma would do even then: at a start on a full disk.
void use_incremental_vacuum(Database& database);

// Sets the pragmas of the writer's connection, which must be the first to open the file.
void set_writer_pragmas(Database& database);

// Brings the file to format steps.size(), each step in a transaction of its own. Before the first step of
// a file that is not new, a copy of it is left (synced) beside it, named `path` + ".format-N".
// Failure: permanent, where the file is not a spool or has a newer format. Throws SqlError.
base::Result<void> migrate(Database& database, const std::filesystem::path& path,
                           std::span<const char* const> steps);

}  // namespace postrider::store
