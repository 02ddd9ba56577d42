// A folder with the DKIM keys of RFC 8463 Appendix A, under any domain.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/testing/temporary_folder.hpp"
#include "policy/signing_keys.hpp"
#include "wire/dkim/new_key.hpp"

namespace postrider::policy::testing {

class KeyFiles {
 public:
  KeyFiles() { EXPECT_TRUE(folder().lock()); }

  directory::DkimFolder folder() const { return directory::DkimFolder(home); }

  // An Ed25519 key for each selector; those with a "-" in front are only published.
  void put(std::string_view domain, const std::vector<std::string>& selectors) const {
    const auto name = mail::Domain::parse(domain).value();
    std::vector<directory::DkimKey> list;
    for (const std::string& each : selectors) {
      const bool signs = !each.starts_with('-');
      const std::string selector = signs ? each : each.substr(1);
      if (!std::filesystem::exists(folder().file_of(name, selector)))
        EXPECT_TRUE(folder().put_key(name, selector, wire::dkim::make_key(wire::dkim::KeyType::ed25519)));
      list.push_back({.selector = selector,
                      .state = signs ? directory::DkimState::signing : directory::DkimState::published});
    }
    EXPECT_TRUE(folder().put_list(name, list));
  }
  void damage(const std::string& file) const { std::ofstream(home / "dkim" / file) << "x"; }

  SigningKeys keys() const {
    auto loaded = SigningKeys::load(folder(), {}, SigningKeys::Read::all);
    EXPECT_TRUE(loaded.faults.empty());
    return std::move(loaded.keys);
  }

  const base::testing::TemporaryFolder temporary;
  const std::filesystem::path home = temporary.path();
};

}  // namespace postrider::policy::testing
