// A folder with the DKIM keys of RFC 8463 Appendix A, under any domain.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "policy/signing_keys.hpp"
#include "wire/dkim/new_key.hpp"

namespace postrider::policy::testing {

class KeyFiles {
 public:
  KeyFiles() {
    std::string name = ::testing::TempDir() + "/signing_testXXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    home = name;
    EXPECT_TRUE(folder().lock());
  }
  ~KeyFiles() { std::filesystem::remove_all(home); }
  KeyFiles(const KeyFiles&) = delete;
  KeyFiles& operator=(const KeyFiles&) = delete;

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

  std::filesystem::path home;
};

}  // namespace postrider::policy::testing
