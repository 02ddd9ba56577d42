// The DKIM keys in a backup: a folder of the same form as in data_dir.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "directory/dkim_keys.hpp"

namespace postrider::app {

struct SavedDkimDomain {
  mail::Domain domain;
  std::vector<directory::DkimKey> list;
  std::vector<std::string> pems;  // by their places in the list
};

struct SavedDkim {
  std::vector<SavedDkimDomain> domains;
  std::vector<std::string> faults;  // of domains that are not among them, one line each
};

// All of it into memory. Empty where there is nothing.
SavedDkim read_dkim(const std::filesystem::path& home);
// Into a home that has no keys.
base::Result<void> write_dkim(const SavedDkim& saved, const std::filesystem::path& home);

}  // namespace postrider::app
