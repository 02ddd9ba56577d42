#include "policy/signing_keys.hpp"

#include <gmock/gmock.h>

#include "policy/testing/key_files.hpp"

namespace postrider::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Read = SigningKeys::Read;
using testing::KeyFiles;

std::vector<std::string> selectors(const SigningKeys& keys, std::string_view domain) {
  std::vector<std::string> names;
  if (const auto* found = keys.of(mail::Domain::parse(domain).value()))
    for (const auto& key : *found) names.push_back(key.selector + " of " + key.domain.ascii());
  return names;
}

TEST(SigningKeys, AreThoseInTheStateOfSigning) {
  KeyFiles files;
  EXPECT_EQ(files.keys().size(), 0u);
  files.put("example.com", {"one", "-two", "three"});
  files.put("example.net", {"-one"});
  const SigningKeys keys = files.keys();
  EXPECT_THAT(selectors(keys, "example.com"), ElementsAre("one of example.com", "three of example.com"));
  EXPECT_THAT(selectors(keys, "example.net"), IsEmpty());
  EXPECT_EQ(keys.size(), 2u);
}

TEST(SigningKeys, SignForDomainsBelowThatHaveNone) {
  KeyFiles files;
  files.put("example.com", {"one"});
  files.put("b.example.com", {"two"});
  files.put("c.example.com", {"-three"});
  const SigningKeys keys = files.keys();
  EXPECT_THAT(selectors(keys, "mx.a.example.com"), ElementsAre("one of example.com"));
  EXPECT_THAT(selectors(keys, "a.b.example.com"), ElementsAre("two of b.example.com"));
  EXPECT_THAT(selectors(keys, "c.example.com"), ElementsAre("one of example.com"));
  EXPECT_THAT(selectors(keys, "anexample.com"), IsEmpty());
  EXPECT_THAT(selectors(keys, "com"), IsEmpty());
}

TEST(SigningKeys, AreReadAgainWhereTheirListHasChanged) {
  KeyFiles files;
  files.put("example.com", {"one"});
  files.put("example.net", {"one"});
  const SigningKeys before = files.keys();
  EXPECT_TRUE(SigningKeys::load(files.folder(), before, Read::changed).keys.is_like(before));
  files.put("example.org", {"-one"});
  EXPECT_TRUE(SigningKeys::load(files.folder(), before, Read::changed).keys.is_like(before));
  files.put("example.com", {"-one", "two"});
  ASSERT_TRUE(files.folder().remove_list(mail::Domain::parse("example.net").value()));
  const auto loaded = SigningKeys::load(files.folder(), before, Read::changed);
  EXPECT_THAT(loaded.faults, IsEmpty());
  EXPECT_FALSE(loaded.keys.is_like(before));
  EXPECT_THAT(selectors(loaded.keys, "example.com"), ElementsAre("two of example.com"));
  EXPECT_THAT(selectors(loaded.keys, "example.net"), IsEmpty());
}

TEST(SigningKeys, StayInForceWhereAFileIsDamaged) {
  KeyFiles files;
  files.put("example.com", {"one", "two"});
  files.put("example.net", {"one"});
  const SigningKeys before = files.keys();
  files.damage("one._domainkey.example.com.pem");
  files.damage("example.net.toml");
  auto loaded = SigningKeys::load(files.folder(), before, Read::all);
  ASSERT_EQ(loaded.faults.size(), 2u);
  EXPECT_THAT(loaded.faults[0], HasSubstr("one._domainkey.example.com.pem: no private key in PEM"));
  EXPECT_THAT(loaded.faults[1], HasSubstr("example.net.toml: line 1"));
  EXPECT_TRUE(loaded.keys.is_like(before));
  // What is at fault is tried each time, and mended by itself.
  loaded = SigningKeys::load(files.folder(), loaded.keys, Read::changed);
  EXPECT_EQ(loaded.faults.size(), 2u);
  EXPECT_TRUE(loaded.keys.is_like(before));
  files.put("example.net", {"one"});
  loaded = SigningKeys::load(files.folder(), loaded.keys, Read::changed);
  EXPECT_EQ(loaded.faults.size(), 1u);
}

TEST(SigningKeys, WithoutWhatWasBeforeTheGoodOnesStillSign) {
  KeyFiles files;
  files.put("example.com", {"one", "two"});
  files.damage("one._domainkey.example.com.pem");
  const auto loaded = SigningKeys::load(files.folder(), {}, Read::all);
  EXPECT_EQ(loaded.faults.size(), 1u);
  EXPECT_THAT(selectors(loaded.keys, "example.com"), ElementsAre("two of example.com"));
}

TEST(SigningKeys, AllStayWhereTheirFolderCannotBeRead) {
  KeyFiles files;
  files.put("example.com", {"one"});
  const SigningKeys before = files.keys();
  std::filesystem::remove_all(files.home / "dkim");
  std::ofstream(files.home / "dkim") << "no folder";
  const auto loaded = SigningKeys::load(files.folder(), before, Read::changed);
  EXPECT_EQ(loaded.faults.size(), 1u);
  EXPECT_TRUE(loaded.keys.is_like(before));
}

}  // namespace
}  // namespace postrider::policy
