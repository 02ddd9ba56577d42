#include "directory/dkim_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/testing/temporary_folder.hpp"

namespace postrider::directory {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const base::UtcTime kNow = *base::parse_rfc3339("2026-11-26T12:00:00.123Z");
const std::vector<DkimKey> kKeys{{"rsa-202611", DkimState::signing, kNow, kNow + std::chrono::days(1)},
                                 {"a.b_c", DkimState::published, kNow, kNow}};

mail::Domain domain(std::string_view name) { return mail::Domain::parse(name).value(); }

std::string fault(std::string_view list) {
  const auto keys = parse_dkim_list(list);
  return keys ? "" : keys.error().text;
}

std::string list_with(const std::string& selector, const std::string& state, const std::string& made) {
  return "format = 1\n[[key]]\nselector = \"" + selector + "\"\nstate = \"" + state + "\"\nmade = \"" + made +
         "\"\nsince = \"2026-11-26T12:00:00Z\"\n";
}

struct DkimFiles : ::testing::Test {
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(home / "dkim" / name) << text;
  }
  const base::testing::TemporaryFolder temporary;
  const fs::path home = temporary.path();
  DkimFolder folder() const { return DkimFolder(home); }
};

TEST(DkimList, ReadsWhatItWrites) {
  EXPECT_EQ(parse_dkim_list(write_dkim_list(kKeys)).value(), kKeys);
  EXPECT_THAT(parse_dkim_list(write_dkim_list({})).value(), IsEmpty());
}

TEST(DkimList, SaysWhatMakesNoSense) {
  constexpr const char* kMade = "2026-11-26T12:00:00Z";
  EXPECT_EQ(fault(list_with("a", "signing", kMade)), "");
  EXPECT_EQ(fault(""), "no format number");
  EXPECT_EQ(fault("format = 2"), "line 1: format 2, which this version does not know");
  EXPECT_THAT(fault("format = 1\nformat"), HasSubstr("line 2: "));
  EXPECT_THAT(fault(std::string(100, '\0')), HasSubstr("line 1"));
  EXPECT_EQ(fault(list_with("a", "gone", kMade)),
            "line 2: a state that is none of published, signing, retired");
  EXPECT_EQ(fault(list_with("a", "signing", "today")), "line 2: made or since is no time");
  // It would be a name of another file.
  for (const char* selector : {"", "../a", ".a", "a.", "A", "a/b", "a b"})
    EXPECT_EQ(fault(list_with(selector, "signing", kMade)), "line 2: no good selector") << selector;
  EXPECT_EQ(fault(list_with("a", "signing", kMade) + list_with("a", "retired", kMade).substr(11)),
            "line 7: a second key of this selector");
  std::string many = "format = 1\n";
  for (int i = 0; i < 21; ++i) many += list_with("a" + std::to_string(i), "signing", kMade).substr(11);
  EXPECT_THAT(fault(many), HasSubstr("more than 20 keys"));
  EXPECT_EQ(fault("format = 1\nkey = [1]\n"), "line 2: a key that is no table");
}

TEST_F(DkimFiles, HoldsKeysAndListsForTheServersUserAlone) {
  EXPECT_THAT(folder().domains().value(), IsEmpty());
  EXPECT_THAT(folder().list(domain("example.com")).value(), IsEmpty());
  ASSERT_TRUE(folder().lock());
  ASSERT_TRUE(folder().put_key(domain("example.com"), "rsa-202611", "secret"));
  ASSERT_TRUE(folder().put_list(domain("example.com"), kKeys));
  ASSERT_TRUE(folder().put_list(domain("b\xc3\xbc"
                                       "cher.example"),
                                {}));
  EXPECT_THAT(folder().domains().value(), ElementsAre(domain("example.com"), domain("b\xc3\xbc"
                                                                                    "cher.example")));
  EXPECT_EQ(folder().list(domain("Example.COM")).value(), kKeys);
  EXPECT_EQ(folder().key(domain("example.com"), "rsa-202611").value(), "secret");
  for (const auto& entry : fs::directory_iterator(home / "dkim")) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u) << entry.path();
  }
  struct stat status{};
  ASSERT_EQ(::stat((home / "dkim").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST_F(DkimFiles, NeverOverwritesAKey) {
  ASSERT_TRUE(folder().lock());
  ASSERT_TRUE(folder().put_key(domain("example.com"), "a", "first"));
  const auto again = folder().put_key(domain("example.com"), "a", "second");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().log_text(), HasSubstr("File exists"));
  EXPECT_EQ(folder().key(domain("example.com"), "a").value(), "first");
  ASSERT_TRUE(folder().remove_key(domain("example.com"), "a"));
  ASSERT_TRUE(folder().remove_key(domain("example.com"), "a"));
  EXPECT_FALSE(folder().key(domain("example.com"), "a"));
}

TEST_F(DkimFiles, ToldOfADamagedListAreOnlyThoseOfItsDomain) {
  ASSERT_TRUE(folder().lock());
  ASSERT_TRUE(folder().put_list(domain("example.com"), kKeys));
  write("example.net.toml", "form");
  const auto damaged = folder().list(domain("example.net"));
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().log_text(), HasSubstr("example.net.toml: line 1"));
  EXPECT_EQ(folder().list(domain("example.com")).value(), kKeys);
  write("example.org.toml", std::string(70'000, '#'));
  EXPECT_THAT(folder().list(domain("example.org")).error().log_text(), HasSubstr("more than 64 KiB"));
  fs::create_symlink("/dev/zero", home / "dkim" / "example.edu.toml");
  EXPECT_FALSE(folder().list(domain("example.edu")));
}

TEST_F(DkimFiles, LookAnotherWayAfterEachChange) {
  EXPECT_EQ(folder().state(), "none");
  const auto lock = folder().lock();
  const auto changes = [&](const auto& change) {
    // Else it may be the same tick of the file system's clock.
    fs::last_write_time(home / "dkim", fs::file_time_type::clock::now() - std::chrono::hours(1));
    const std::string before = folder().state();
    EXPECT_TRUE(change());
    return folder().state() != before;
  };
  EXPECT_TRUE(changes([&] { return folder().put_key(domain("example.com"), "a", "x").has_value(); }));
  EXPECT_TRUE(changes([&] { return folder().put_list(domain("example.com"), kKeys).has_value(); }));
  const std::string before = folder().state(domain("example.com"));
  EXPECT_TRUE(changes([&] { return folder().put_list(domain("example.com"), kKeys).has_value(); }));
  EXPECT_NE(folder().state(domain("example.com")), before);
  EXPECT_TRUE(changes([&] { return folder().remove_key(domain("example.com"), "a").has_value(); }));
  EXPECT_TRUE(changes([&] { return folder().remove_list(domain("example.com")).has_value(); }));
  EXPECT_EQ(folder().state(domain("example.com")), "none");
}

TEST_F(DkimFiles, BelongToOneWhoChangesThem) {
  {
    const auto lock = folder().lock();
    ASSERT_TRUE(lock);
    const auto other = folder().lock();
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().text, HasSubstr("another `postrider dkim`"));
  }
  EXPECT_TRUE(folder().lock());
}

}  // namespace
}  // namespace postrider::directory
