// What backup and restore do to files. Blocking. Failures are temporary, with the path in their log text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace postrider::app {

// Mode 0700. A folder that is there already must be empty.
base::Result<void> make_empty_folder(const std::filesystem::path& folder);
// At most 16 MiB.
base::Result<std::string> read_file(const std::filesystem::path& file);
// Mode 0600; complete and synced before it bears its name.
base::Result<void> write_file(const std::filesystem::path& file, std::string_view content);
// As root, these folders and what lies in them go to whom `folder` belongs; nothing as another user.
base::Result<void> give_to_owner_of(const std::filesystem::path& folder,
                                    const std::vector<std::filesystem::path>& folders);

}  // namespace postrider::app
