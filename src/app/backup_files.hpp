// What backup and restore do to files. Blocking. Failures are temporary where nothing else is said, with the path in their
// log text.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace postrider::app {

// Mode 0700. A folder that is there already must be empty.
base::Result<void> make_empty_folder(const std::filesystem::path& folder);
// At most 16 MiB.
base::Result<std::string> read_file(const std::filesystem::path& file);
// Whether write_file() is likely to succeed: its folder is there, and may be written to.
base::Result<void> may_write(const std::filesystem::path& file);
// Mode 0600; complete and synced before it bears its name.
base::Result<void> write_file(const std::filesystem::path& file, std::string_view content);
// While it lives, root acts with the groups, the group and the user of him to whom a folder belongs: links that lie there
// lead no further than he could go himself. Of the whole process. Does nothing as another user.
class AsOwner {
 public:
  // Failure: permanent.
  static base::Result<AsOwner> of(const std::filesystem::path& folder);
  AsOwner(AsOwner&& other) noexcept : groups_(std::move(other.groups_)) { other.groups_.reset(); }
  AsOwner& operator=(AsOwner&&) = delete;
  ~AsOwner();

 private:
  AsOwner() = default;
  std::optional<std::vector<gid_t>> groups_;  // root's; nothing: root was not left
};

}  // namespace postrider::app
