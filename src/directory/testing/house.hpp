// A private folder with a directory in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/testing/temporary_folder.hpp"
#include "directory/contents.hpp"
#include "directory/registry.hpp"
#include "sys/fake/random.hpp"

namespace postrider::directory::testing {

inline mail::Address address(std::string_view text) { return *mail::Address::parse(text); }
inline mail::Domain domain(std::string_view text) { return *mail::Domain::parse(text); }

class House {
 public:
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path file() const { return Registry::file_in(folder()); }

  std::unique_ptr<Registry> open() {
    auto registry = Registry::open(folder(), random_);
    if (!registry) ADD_FAILURE() << registry.error().log_text();
    return registry ? std::move(*registry) : nullptr;
  }
  // Makes the database what the text says. Failure: as of Registry::apply().
  base::Result<void> import(Registry& registry, const std::string& toml) {
    const auto wanted = parse_contents("format = 1\n" + toml, "test");
    if (!wanted) return base::permanent({5, 5, 4}, wanted.error().front().to_string());
    const auto snapshot = registry.load();
    if (!snapshot) return std::unexpected(snapshot.error());
    Contents now{.domains = {}, .credentials = *registry.all_credentials()};
    for (const DomainIndex& index : (*snapshot)->domains()) now.domains.push_back(index.domain());
    std::vector<Change> changes;
    for (Difference& difference : differences(now, *wanted))
      for (Change& change : difference.changes) changes.push_back(std::move(change));
    const auto applied = registry.apply(changes, {(*snapshot)->generation(), config_});
    if (!applied) return std::unexpected(applied.error());
    return {};
  }
  std::shared_ptr<const config::Config> config() const { return config_; }
  void configure(const std::string& domains) {
    const auto parsed = config::parse(
        "hostname = \"mx.host.example\"\ndata_dir = \"/d\"\n[[listener]]\naddress = \"127.0.0.1:25\"\n" +
            domains,
        "t");
    if (!parsed) ADD_FAILURE() << parsed.error().front().to_string();
    config_ = *parsed;
  }
  sys::Random& random() { return random_; }

 private:
  base::testing::TemporaryFolder folder_;
  sys::fake::Random random_;
  std::shared_ptr<const config::Config> config_ = *config::parse(
      "hostname = \"mx.host.example\"\ndata_dir = \"/d\"\n[[listener]]\naddress = \"127.0.0.1:25\"\n", "t");
};

}  // namespace postrider::directory::testing
