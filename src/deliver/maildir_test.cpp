#include "deliver/maildir.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "base/testing/temporary_folder.hpp"
#include "deliver/testing/watched_files.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::deliver {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class Pieces final : public queue::Content {
 public:
  explicit Pieces(std::vector<base::Result<std::string>> pieces) : pieces_(std::move(pieces)) {}
  base::Result<std::string> next() override {
    return at_ < pieces_.size() ? pieces_[at_++] : base::Result<std::string>(std::string());
  }

 private:
  std::vector<base::Result<std::string>> pieces_;
  std::size_t at_ = 0;
};

std::function<std::unique_ptr<queue::Content>()> content(std::vector<base::Result<std::string>> pieces) {
  return [pieces = std::move(pieces)] { return std::make_unique<Pieces>(pieces); };
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> list(const fs::path& folder) {
  std::vector<fs::path> all;
  if (fs::exists(folder))
    for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

class MaildirTest : public ::testing::Test {
 protected:
  MaildirTest() : files(folder), maildir(files, clock, "mx.test") {}

  MailboxDelivery to(const std::string& user, const std::string& message = "A: 1\r\n\r\nbody\r\n") const {
    return {.mailbox = {.directory = folder / user, .quota = 0},
            .folder = {},
            .missing = MissingFolder::refuse,
            .flags = {},
            .top = {},
            .open = content({message})};
  }
  std::vector<MailboxResult> deliver(std::vector<MailboxDelivery> batch) { return maildir.deliver(batch); }
  // Makes the mailboxes, so that events are those of deliveries alone.
  void prepare(const std::vector<std::string>& users) {
    for (const auto& user : users) ASSERT_TRUE(deliver({to(user)})[0]);
    for (const auto& user : users) fs::remove(list(folder / user / "new")[0]);
    files.events.clear();
  }
  // Makes syncfs slow once.
  void make_slow() {
    files.before = [this](const std::string& event) {
      if (event == "sync *") clock.advance(base::Milliseconds(201));
      return 0;
    };
    ASSERT_TRUE(deliver({to("slow")})[0]);
    files.before = [](const std::string&) { return 0; };
    files.events.clear();
  }
  void fail_at(const std::string& event, int error) {
    files.before = [event, error](const std::string& now) { return now == event ? error : 0; };
  }

  const base::testing::TemporaryFolder temporary;
  const fs::path folder = temporary.path();
  sys::fake::Clock clock;
  testing::WatchedFiles files;
  Maildir maildir;
};

TEST_F(MaildirTest, WritesTheMessageWithLfLineEndsAndTheFieldsOnTop) {
  auto delivery = to("bob");
  delivery.top = "Return-Path: <a@example.org>\r\nDelivered-To: bob@example.com\r\n";
  delivery.open = content({"A: 1\r", "\n\r\nbare \r CR, bare \n LF, \xff\r", "\r\n", "end"});
  const auto result = deliver({delivery})[0];
  ASSERT_TRUE(result);
  EXPECT_EQ(read(*result),
            "Return-Path: <a@example.org>\nDelivered-To: bob@example.com\nA: 1\n\nbare \r CR, bare \n LF, "
            "\xff\r\nend");
  EXPECT_THAT(list(folder / "bob" / "new"), ElementsAre(fs::path(*result)));
  EXPECT_THAT(list(folder / "bob" / "tmp"), IsEmpty());
  EXPECT_THAT(list(folder / "bob" / "cur"), IsEmpty());
}

TEST_F(MaildirTest, NamesTheFileByTheConventionWithItsTwoSizes) {
  clock.advance(base::Milliseconds(42));
  const auto result = deliver({to("bob", "A: 1\r\n\r\nbody\r\n")})[0];
  ASSERT_TRUE(result);
  EXPECT_THAT(fs::path(*result).filename().string(),
              MatchesRegex("1800000000\\.M042000P[0-9]+Q[0-9]+\\.mx\\.test,S=11,W=14"));
  EXPECT_EQ(fs::file_size(*result), 11u);
}

TEST_F(MaildirTest, MakesMailboxAndParentsForItsOwnerAlone) {
  ASSERT_TRUE(deliver({to("mail/example.com/bob")})[0]);
  for (const char* made : {"mail", "mail/example.com", "mail/example.com/bob", "mail/example.com/bob/tmp",
                           "mail/example.com/bob/new", "mail/example.com/bob/cur"}) {
    EXPECT_EQ(fs::status(folder / made).permissions(), fs::perms::owner_all) << made;
  }
  const auto at = [&](const std::string& event) { return std::ranges::find(files.events, event); };
  EXPECT_LT(at("make ./mail/"), at("sync ./"));
  EXPECT_LT(at("sync ./"), at("make mail/example.com/"));
  EXPECT_LT(at("sync mail/"), at("make mail/example.com/bob/"));
  EXPECT_LT(at("sync mail/example.com/"), at("make mail/example.com/bob/new/"));
  EXPECT_LT(at("make mail/example.com/bob/new/"), at("sync mail/example.com/bob/"));
  EXPECT_LT(at("sync mail/example.com/bob/"), at("create mail/example.com/bob/tmp"));
}

TEST_F(MaildirTest, CompletesAMailboxWhoseMakerDied) {
  fs::create_directories(folder / "bob" / "tmp");
  ASSERT_TRUE(deliver({to("bob")})[0]);
  EXPECT_NE(std::ranges::find(files.events, "sync ./"), files.events.end());
}

TEST_F(MaildirTest, WritesSyncsRenamesSyncsInThisOrderOnceForTheWholeBatch) {
  prepare({"alice", "bob"});
  const auto results = deliver({to("alice"), to("bob"), to("alice")});
  for (const auto& result : results) EXPECT_TRUE(result);
  EXPECT_THAT(files.events,
              ElementsAre("create alice/tmp", "write alice/tmp", "create bob/tmp", "write bob/tmp",
                          "create alice/tmp", "write alice/tmp", "sync *", "rename alice/tmp alice/new",
                          "rename bob/tmp bob/new", "rename alice/tmp alice/new", "sync *"));
}

TEST_F(MaildirTest, ShowsNoFileInNewThatIsNotWholeAtAnyStep) {
  prepare({"bob"});
  std::size_t seen = 0;
  files.before = [&](const std::string&) {
    for (const auto& file : list(folder / "bob" / "new")) {
      EXPECT_EQ(fs::file_size(file), stored_size(file.filename().string()));
      EXPECT_EQ(read(file), "A: 1\n\nbody\n");
      ++seen;
    }
    return 0;
  };
  deliver({to("bob"), to("bob")});
  EXPECT_EQ(seen, 3u);  // one before the second rename, two before the last sync
}

TEST_F(MaildirTest, AfterASlowSyncOfTheFileSystemSyncsEachFileForFiveMinutes) {
  prepare({"alice", "bob"});
  make_slow();
  for (const auto& result : deliver({to("alice"), to("bob"), to("alice")})) EXPECT_TRUE(result);
  EXPECT_EQ(files.count("sync *"), 0u);
  EXPECT_EQ(files.count("sync alice/tmp"), 2u);
  EXPECT_EQ(files.count("sync bob/tmp"), 1u);
  EXPECT_EQ(files.count("sync alice/new/"), 1u);
  EXPECT_EQ(files.count("sync bob/new/"), 1u);
  const auto last = [&](const std::string& event) {
    return std::find(files.events.rbegin(), files.events.rend(), event).base();
  };
  EXPECT_LE(last("sync alice/tmp"), std::ranges::find(files.events, "rename alice/tmp alice/new"));
  EXPECT_LE(last("rename alice/tmp alice/new"), std::ranges::find(files.events, "sync alice/new/"));
  clock.advance(std::chrono::minutes(5));
  files.events.clear();
  deliver({to("alice")});
  EXPECT_EQ(files.count("sync *"), 2u);
}

TEST_F(MaildirTest, AFailedSyncOfTheFileSystemFailsTheBatchAndLeavesNothing) {
  prepare({"alice", "bob"});
  for (const std::size_t which : {1u, 2u}) {  // of the data, and of the folders
    std::size_t syncs = 0;
    files.before = [&](const std::string& event) { return event == "sync *" && ++syncs == which ? EIO : 0; };
    for (const auto& result : deliver({to("alice"), to("bob")})) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().fault, MailboxFault::unwritten);
    }
    EXPECT_EQ(syncs, which) << "a failed sync is not tried again";
    for (const char* user : {"alice", "bob"}) {
      EXPECT_THAT(list(folder / user / "tmp"), IsEmpty());
      EXPECT_THAT(list(folder / user / "new"), IsEmpty());
    }
  }
}

TEST_F(MaildirTest, AFailedSyncOfOneFileFailsThatOneAlone) {
  prepare({"alice", "bob"});
  make_slow();
  fail_at("sync alice/tmp", EIO);
  auto results = deliver({to("alice"), to("bob")});
  EXPECT_FALSE(results[0]);
  EXPECT_TRUE(results[1]);
  fail_at("sync alice/new/", EIO);
  results = deliver({to("alice"), to("bob"), to("alice")});
  EXPECT_FALSE(results[0]);
  EXPECT_TRUE(results[1]);
  EXPECT_FALSE(results[2]);
  EXPECT_THAT(list(folder / "alice" / "tmp"), IsEmpty());
  EXPECT_THAT(list(folder / "alice" / "new"), IsEmpty());
  EXPECT_EQ(list(folder / "bob" / "new").size(), 2u);
}

TEST_F(MaildirTest, AFullDiskRemovesThePartAndSparesTheOthers) {
  prepare({"alice", "bob"});
  for (const int error : {ENOSPC, EDQUOT}) {
    fail_at("write alice/tmp", error);
    const auto results = deliver({to("alice"), to("bob")});
    ASSERT_FALSE(results[0]);
    EXPECT_EQ(results[0].error().fault, MailboxFault::no_space);
    EXPECT_TRUE(results[1]);
    EXPECT_THAT(list(folder / "alice" / "tmp"), IsEmpty());
  }
  fail_at("create alice/tmp", ENOSPC);
  EXPECT_EQ(deliver({to("alice")})[0].error().fault, MailboxFault::no_space);
  fail_at("make carol/tmp/", ENOSPC);
  EXPECT_EQ(deliver({to("carol")})[0].error().fault, MailboxFault::no_space);
}

TEST_F(MaildirTest, AMessageThatCantBeReadIsNotDelivered) {
  auto delivery = to("bob");
  delivery.open = content({"A: 1\r\n", base::temporary({4, 3, 0}, "spool failed")});
  const auto result = deliver({delivery})[0];
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, MailboxFault::unwritten);
  EXPECT_THAT(result.error().log, HasSubstr("spool failed"));
  EXPECT_THAT(list(folder / "bob" / "tmp"), IsEmpty());
  EXPECT_THAT(list(folder / "bob" / "new"), IsEmpty());
}

TEST_F(MaildirTest, RefusesALinkWhereAMailboxOrAFolderOfItShouldBe) {
  fs::create_directory(folder / "elsewhere");
  fs::create_symlink(folder / "elsewhere", folder / "bob");
  EXPECT_EQ(deliver({to("bob")})[0].error().fault, MailboxFault::not_ours);
  ASSERT_TRUE(deliver({to("alice")})[0]);
  Maildir other(files, clock, "mx.test");
  for (const char* part : {"new", "tmp", "cur"}) {
    fs::rename(folder / "alice" / part, folder / "moved");
    fs::create_symlink(folder / "moved", folder / "alice" / part);
    EXPECT_EQ(other.deliver({to("alice")})[0].error().fault, MailboxFault::not_ours) << part;
    fs::remove(folder / "alice" / part);
    fs::rename(folder / "moved", folder / "alice" / part);
  }
  EXPECT_THAT(list(folder / "elsewhere"), IsEmpty());
}

TEST_F(MaildirTest, FollowsALinkAboveTheMailbox) {
  fs::create_directory(folder / "big-disk");
  fs::create_symlink(folder / "big-disk", folder / "mail");
  ASSERT_TRUE(deliver({to("mail/example.com/bob")})[0]);
  EXPECT_EQ(list(folder / "big-disk/example.com/bob/new").size(), 1u);
}

TEST_F(MaildirTest, RefusesAPathThatIsNotPlain) {
  for (const char* path : {"relative/bob", "", "/"}) {
    auto delivery = to("bob");
    delivery.mailbox.directory = path;
    EXPECT_EQ(deliver({delivery})[0].error().fault, MailboxFault::not_ours) << path;
  }
  EXPECT_EQ(deliver({to("example.com/../bob")})[0].error().fault, MailboxFault::not_ours);
}

TEST_F(MaildirTest, MakesAMailboxAnewThatWasRemovedOrMovedAway) {
  ASSERT_TRUE(deliver({to("bob")})[0]);
  fs::remove_all(folder / "bob");
  ASSERT_TRUE(deliver({to("bob")})[0]);
  EXPECT_EQ(list(folder / "bob" / "new").size(), 1u);
  fs::rename(folder / "bob", folder / "bob.old");
  ASSERT_TRUE(deliver({to("bob")})[0]);
  EXPECT_EQ(list(folder / "bob" / "new").size(), 1u);
  EXPECT_EQ(list(folder / "bob.old" / "new").size(), 1u);
}

TEST_F(MaildirTest, RemovesFilesInTmpThatAreOlderThan36Hours) {
  ASSERT_TRUE(deliver({to("bob")})[0]);
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.utc().time_since_epoch()).count();
  const auto leave = [&](const char* name, std::int64_t age) {
    const fs::path file = folder / "bob" / "tmp" / name;
    std::ofstream(file) << "left";
    const timespec time{now - age, 0};
    const timespec times[2] = {time, time};
    ::utimensat(AT_FDCWD, file.c_str(), times, 0);
  };
  leave("old", 36 * 3600 + 1);
  leave("young", 36 * 3600 - 1);
  Maildir next(files, clock, "mx.test");
  ASSERT_TRUE(next.deliver({to("bob")})[0]);
  EXPECT_THAT(list(folder / "bob" / "tmp"), ElementsAre(folder / "bob" / "tmp" / "young"));
}

TEST_F(MaildirTest, PutsMailIntoASubfolderThatExistsOrIsToBeMade) {
  auto delivery = to("bob");
  delivery.folder = "Lists.cpp";
  EXPECT_EQ(deliver({delivery})[0].error().fault, MailboxFault::no_such_folder);
  EXPECT_FALSE(fs::exists(folder / "bob" / ".Lists.cpp"));
  delivery.missing = MissingFolder::create;
  EXPECT_TRUE(deliver({delivery})[0]);
  EXPECT_TRUE(fs::exists(folder / "bob" / ".Lists.cpp" / "maildirfolder"));
  delivery.missing = MissingFolder::refuse;
  EXPECT_TRUE(deliver({delivery})[0]);
  EXPECT_EQ(list(folder / "bob" / ".Lists.cpp" / "new").size(), 2u);
  EXPECT_THAT(list(folder / "bob" / "new"), IsEmpty());
}

TEST_F(MaildirTest, KnowsNoFolderByANameThatLeadsElsewhere) {
  for (const char* name : {"../alice", "a/b", ".", "..", "a..b", ".a", "a.", "a\n", "\xff"}) {
    auto delivery = to("bob");
    delivery.folder = name;
    delivery.missing = MissingFolder::create;
    EXPECT_EQ(deliver({delivery})[0].error().fault, MailboxFault::no_such_folder) << name;
  }
}

TEST_F(MaildirTest, PutsMailWithFlagsIntoCur) {
  auto delivery = to("bob");
  delivery.flags = "SFS";
  const auto result = deliver({delivery})[0];
  ASSERT_TRUE(result);
  EXPECT_THAT(list(folder / "bob" / "cur"), ElementsAre(fs::path(*result)));
  EXPECT_THAT(*result, MatchesRegex(".*,S=11,W=14:2,FS"));
  delivery.flags = "/";
  EXPECT_FALSE(deliver({delivery})[0]);
}

class MaildirQuotaTest : public MaildirTest {
 protected:
  static constexpr std::uint64_t kFile = 11;
  MailboxDelivery within(std::uint64_t quota, const std::string& subfolder = {}) const {
    auto delivery = to("bob");
    delivery.mailbox.quota = quota;
    delivery.folder = subfolder;
    delivery.missing = MissingFolder::create;
    return delivery;
  }
  bool full(std::uint64_t quota) {
    const auto result = deliver({within(quota)})[0];
    return !result && result.error().fault == MailboxFault::over_quota;
  }
};

TEST_F(MaildirQuotaTest, IsFullWhenTheNextMessageWouldNotFit) {
  EXPECT_FALSE(full(2 * kFile));
  EXPECT_FALSE(full(2 * kFile));
  EXPECT_TRUE(full(2 * kFile));
  EXPECT_FALSE(full(3 * kFile));
  EXPECT_TRUE(full(4 * kFile - 1));
  EXPECT_EQ(list(folder / "bob" / "new").size(), 3u);
  EXPECT_THAT(list(folder / "bob" / "tmp"), IsEmpty());
}

TEST_F(MaildirQuotaTest, CountsWhatTheSameBatchHasBrought) {
  const auto results = deliver({within(2 * kFile), within(2 * kFile), within(2 * kFile)});
  EXPECT_TRUE(results[0]);
  EXPECT_TRUE(results[1]);
  EXPECT_FALSE(results[2]);
}

TEST_F(MaildirQuotaTest, DoesNotCountWhatFailedInTheBatch) {
  prepare({"bob"});
  bool first = true;
  files.before = [&](const std::string& event) {
    return event == "rename bob/tmp bob/new" && std::exchange(first, false) ? EIO : 0;
  };
  EXPECT_FALSE(deliver({within(2 * kFile)})[0]);
  EXPECT_FALSE(full(2 * kFile));
  EXPECT_FALSE(full(2 * kFile));
}

TEST_F(MaildirQuotaTest, CountsSubfoldersAndReadMail) {
  ASSERT_TRUE(deliver({within(100, "Junk")})[0]);
  const auto file = fs::path(*deliver({within(100)})[0]);
  fs::rename(file, folder / "bob" / "cur" / (file.filename().string() + ":2,S"));
  EXPECT_TRUE(full(3 * kFile - 1));
  EXPECT_FALSE(full(3 * kFile));
}

TEST_F(MaildirQuotaTest, SeesAtOnceWhatAnotherProgramRemoved) {
  const auto file = deliver({within(kFile)})[0];
  ASSERT_TRUE(file);
  EXPECT_TRUE(full(kFile));
  fs::remove(*file);
  const timespec times[2] = {{1, 0}, {1, 0}};  // whatever the clock's grain: another time than before
  ::utimensat(AT_FDCWD, (folder / "bob" / "new").c_str(), times, 0);
  EXPECT_FALSE(full(kFile));
}

TEST_F(MaildirQuotaTest, CountsAFileWithoutASizeInItsName) {
  ASSERT_TRUE(deliver({to("bob")})[0]);
  std::ofstream(folder / "bob" / "cur" / "plain") << "0123456789";
  EXPECT_TRUE(full(2 * kFile + 9));
  EXPECT_FALSE(full(2 * kFile + 10));
}

}  // namespace
}  // namespace postrider::deliver
