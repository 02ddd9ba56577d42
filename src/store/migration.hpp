// The way of a database file from an older format to this one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postrider::store {

struct Format {
  std::int32_t application_id;  // in the file's header: the file is ours
  std::string_view what;        // "directory": for people
  // steps[n] leads from format n to format n + 1; steps[0] makes the first tables in an empty file.
  std::span<const char* const> steps;
};

// Brings the file to format steps.size(), all steps in one transaction; two processes may do so at once. Before the first step
// of a file that is not new, a copy of it (mode 0600) is left beside it, named `path` + ".format-N". Failure: permanent, where the
// file is not ours or has a newer format. Throws SqlError.
base::Result<void> migrate(Database& database, const std::filesystem::path& path, const Format& to);

// What the operator is told of a file whose format is beyond `known`.
std::string newer_format(const std::filesystem::path& path, std::int64_t format, std::int64_t known);

}  // namespace postrider::store
