// timeline.db: its tables and format. docs/timeline-format.md describes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/address_hash.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

// "PRtl" in the file's header, and the format that this binary writes.
inline constexpr std::int32_t kTimelineApplicationId = 0x5052746c;
inline constexpr std::int64_t kTimelineFormat = 1;

std::filesystem::path timeline_path(const std::filesystem::path& directory);

// Opens for writing; makes the tables in an empty file. Failure: permanent, of a newer format. Throws SqlError;
// is_damaged_timeline() tells whether the bytes are at fault.
base::Result<std::unique_ptr<Database>> open_timeline(const std::filesystem::path& path);
// Failure: permanent, of a newer format. Throws SqlError where it is no timeline.
base::Result<void> check_timeline_format(Database& database, const std::filesystem::path& path);
// Throws SqlError, also where it is missing.
std::int64_t timeline_meta(Database& database, std::string_view key);
HashKey read_hash_key(Database& database);

// The first 16 bytes of the file, or what there is of them. By its path only while this process has no connection to it:
// to open and close it would drop the locks of that one (fcntl(2)).
std::string start_of(const std::filesystem::path& path);
std::string start_of(Database& database);
// What stands in the file is no timeline that can be read.
bool is_damaged_timeline(std::string_view start, const SqlError& error);
// Out of the way, as PATH.damaged; an older one of that name goes. True where the name is free now.
bool move_timeline_aside(const std::filesystem::path& path);

}  // namespace postrider::store
