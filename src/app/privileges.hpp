// From root to the user that the configuration names.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace postrider::app {

// Makes the folder (0700, with its parents) and gives it to `user` where it is new. Empty: keep the owner.
base::Result<void> make_folder_for(const std::filesystem::path& folder, const std::string& user);
// For good: groups, group and user. Empty: nothing. Fails where we are not root and not already that user.
base::Result<void> become(const std::string& user);

}  // namespace postrider::app
