// What backup and restore do to files. Blocking. Failures are temporary where nothing else is said, with the path in their
// log text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postrider::app {

// Mode 0700. A folder that is there already must be empty.
base::Result<void> make_empty_folder(const std::filesystem::path& folder);
// At most 16 MiB.
base::Result<std::string> read_file(const std::filesystem::path& file);
// Mode 0600; complete and synced before it bears its name.
base::Result<void> write_file(const std::filesystem::path& file, std::string_view content);
// For good, as root: groups, group and user of him to whom `folder` belongs. Nothing as another user. Permanent failure.
base::Result<void> become_owner_of(const std::filesystem::path& folder);

}  // namespace postrider::app
