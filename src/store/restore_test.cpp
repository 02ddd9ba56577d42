#include "store/restore.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "store/timeline.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using testing::envelope;
using ::testing::HasSubstr;
using testing::put;
using testing::recipient;
using testing::TemporaryFolder;

class Restore : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> open(const std::filesystem::path& directory) {
    return Spool::open({.directory = directory, .min_free_bytes = 0}, clock_).value();
  }
  base::MessageId message(Spool& spool) {
    return put(spool, "hello", envelope({recipient("a@example.net"), recipient("b@example.net")})).value();
  }
  // Of a spool with one message.
  base::MessageId make_copy() {
    const auto spool = open(from_.path());
    const auto id = message(*spool);
    EXPECT_TRUE(spool->backup(copy_));
    return id;
  }
  base::Result<Restored> restored(const std::filesystem::path& copy, const std::filesystem::path& directory,
                                  Waiting waiting) {
    const auto opened = OpenCopy::open(copy);
    if (!opened) return std::unexpected(opened.error());
    return restore_spool(*opened, directory, {.waiting = waiting, .counts = kCounts});
  }
  base::Result<std::optional<Restored>> restored_timeline(const std::filesystem::path& copy,
                                                          const std::filesystem::path& directory) {
    return restore_timeline(OpenCopy::open(copy).value(), directory);
  }
  // A copy that was not closed, as after a crash: what was committed stands in its WAL.
  void leave_only_wal(const std::filesystem::path& database) {
    std::filesystem::create_directories(database.parent_path());
    Database open(database.string(), nullptr, Database::Access::read_write);
    open.text("PRAGMA journal_mode=WAL");
    open.execute("CREATE TABLE other(id INTEGER PRIMARY KEY, text TEXT)");
    const auto wal = database.string() + "-wal";
    std::filesystem::copy_file(wal, wal + ".kept");
    std::filesystem::copy_file(database.string() + "-shm", database.string() + "-shm.kept");
  }
  void put_left_overs_back(const std::filesystem::path& database) {
    std::filesystem::remove(database);
    for (const char* suffix : {"-wal", "-shm"})
      std::filesystem::rename(database.string() + suffix + ".kept", database.string() + suffix);
  }
  std::string why(const base::Result<Restored>& result) { return result ? "" : result.error().log_text(); }

  static constexpr SpoolCounts kCounts = {.messages = 1, .recipients = 2};
  TemporaryFolder from_, backup_, to_;
  const std::filesystem::path copy_ = backup_.path() / "spool.db";
  const std::filesystem::path target_ = to_.path() / "spool";
  sys::fake::Clock clock_;
};

TEST_F(Restore, PutsAllMailInPlace) {
  const auto id = make_copy();
  const auto done = restored(copy_, target_, Waiting::goes_on);
  ASSERT_TRUE(done) << why(done);
  EXPECT_EQ(done->untold, 0u);
  EXPECT_TRUE(done->set_aside.empty());
  const auto spool = open(target_);
  EXPECT_EQ(testing::read_all(*spool, id), "hello");
  EXPECT_EQ(testing::claim(*spool, base::UtcTime::max()).value().size(), 1u);
  EXPECT_EQ(spool->list({}, std::nullopt, 1).value().rows[0].state, mail::RecipientState::waiting);
}

TEST_F(Restore, HoldsAllThatWaits) {
  make_copy();
  ASSERT_TRUE(restored(copy_, target_, Waiting::is_held));
  const auto spool = open(target_);
  EXPECT_TRUE(testing::claim(*spool, base::UtcTime::max()).value().empty());
  for (const Listed& row : spool->list({}, std::nullopt, 10).value().rows)
    EXPECT_EQ(row.state, mail::RecipientState::held);
}

TEST_F(Restore, HoldsAnEndOfWhichNobodyWasTold) {
  {
    const auto spool = open(from_.path());
    const auto id = message(*spool);
    auto failed = testing::delivered({id, 0});
    failed.state = mail::RecipientState::untold;
    failed.outcome.emplace();
    failed.outcome->action = mail::Action::failed;
    ASSERT_TRUE(testing::record(*spool, {failed}));
    ASSERT_TRUE(spool->backup(copy_));
  }
  const auto goes_on = restored(copy_, to_.path() / "other", Waiting::goes_on);
  ASSERT_TRUE(goes_on) << why(goes_on);
  EXPECT_EQ(goes_on->untold, 1u);
  EXPECT_EQ(testing::untold(*open(to_.path() / "other")).value().size(), 1u);

  EXPECT_EQ(restored(copy_, target_, Waiting::is_held).value().untold, 1u);
  const auto spool = open(target_);
  EXPECT_TRUE(testing::untold(*spool).value().empty());
  const auto rows = spool->list({}, std::nullopt, 10).value().rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].state, mail::RecipientState::held);
  EXPECT_EQ(rows[0].last.value().action, mail::Action::failed);
  EXPECT_EQ(rows[1].state, mail::RecipientState::held);
}

TEST_F(Restore, TakesNoWalOfADatabaseThatIsGone) {
  const auto id = make_copy();
  const auto path = target_ / "spool.db";
  leave_only_wal(path);
  put_left_overs_back(path);
  const auto done = restored(copy_, target_, Waiting::goes_on);
  ASSERT_TRUE(done) << why(done);
  EXPECT_EQ(done->set_aside, (std::vector<std::filesystem::path>{path.string() + "-wal.left-over",
                                                                 path.string() + "-shm.left-over"}));
  for (const auto& file : done->set_aside) EXPECT_GT(std::filesystem::file_size(file), 0u);
  EXPECT_EQ(testing::read_all(*open(target_), id), "hello");
}

TEST_F(Restore, DeletesNoWalBesideAnEmptyFile) {
  make_copy();
  const auto path = target_ / "spool.db";
  leave_only_wal(path);
  put_left_overs_back(path);
  std::ofstream(path).flush();
  std::ofstream(path.string() + "-wal.left-over") << "an older one";
  const auto done = restored(copy_, target_, Waiting::goes_on);
  ASSERT_TRUE(done) << why(done);
  EXPECT_GT(std::filesystem::file_size(path.string() + "-wal.left-over.2"), 0u);
  EXPECT_EQ(std::filesystem::file_size(path.string() + "-wal.left-over"), 12u);
}

TEST_F(Restore, RefusesWhatIsNotTheCopyThatWasMade) {
  {
    const auto spool = open(from_.path());
    message(*spool);
    message(*spool);
    ASSERT_TRUE(spool->backup(copy_));
  }
  EXPECT_THAT(why(restored(copy_, target_, Waiting::goes_on)),
              HasSubstr("has 2 messages with 4 recipients, and the backup 1 with 2"));
  EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(Restore, RefusesWhereAServerRuns) {
  make_copy();
  const auto running = open(target_);
  EXPECT_THAT(why(restored(copy_, target_, Waiting::goes_on)), HasSubstr("another server works on"));
}

TEST_F(Restore, RefusesWhereThereIsMail) {
  make_copy();
  {
    const auto spool = open(target_);
    message(*spool);
  }
  EXPECT_THAT(why(restored(copy_, target_, Waiting::goes_on)), HasSubstr("has mail in it"));
  EXPECT_EQ(open(target_)->statistics().messages, 1u);
}

TEST_F(Restore, TakesThePlaceOfAnEmptySpoolAndGoesOnAboveItsIds) {
  make_copy();
  clock_.advance(std::chrono::hours(1));
  base::MessageId last;
  {
    const auto spool = open(target_);
    last = message(*spool);
    ASSERT_TRUE(testing::record(*spool, {testing::delivered({last, 0}), testing::delivered({last, 1})}));
  }
  ASSERT_TRUE(restored(copy_, target_, Waiting::goes_on));
  // The clock goes back: only what is stored can tell.
  clock_.jump(-std::chrono::hours(1));
  const auto spool = open(target_);
  EXPECT_GT(message(*spool), last);
  EXPECT_EQ(spool->statistics().messages, 2u);
}

TEST_F(Restore, PutsNothingInPlaceThatIsDamaged) {
  make_copy();
  {
    std::fstream file(copy_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    file << std::string(4096, '\xff');
  }
  EXPECT_THAT(why(restored(copy_, target_, Waiting::goes_on)), HasSubstr("is damaged"));
  EXPECT_FALSE(std::filesystem::exists(target_ / "spool.db"));
  EXPECT_FALSE(std::filesystem::exists(target_ / "spool.db.restored"));
  std::ofstream(copy_) << std::string(8192, 'x');
  EXPECT_FALSE(restored(copy_, target_, Waiting::goes_on));
  EXPECT_FALSE(std::filesystem::exists(target_ / "spool.db"));
  EXPECT_THAT(why(restored(backup_.path() / "none", target_, Waiting::goes_on)), HasSubstr("there is no "));
}

TEST_F(Restore, RefusesANewerFormat) {
  make_copy();
  Database(copy_.string(), nullptr, Database::Access::read_write).execute("PRAGMA user_version=99");
  EXPECT_THAT(why(restored(copy_, target_, Waiting::goes_on)), HasSubstr("has format 99"));
  EXPECT_FALSE(std::filesystem::exists(target_ / "spool.db"));
}

TEST_F(Restore, FollowsNoLinkOfTheFolder) {
  make_copy();
  const auto victim = backup_.path() / "victim";
  std::ofstream(victim) << "precious";
  std::filesystem::permissions(victim, std::filesystem::perms(0644));
  std::filesystem::create_directory(target_);
  std::filesystem::create_symlink(victim, target_ / "spool.db.restored");
  std::filesystem::create_symlink(backup_.path() / "made", target_ / "lock");
  EXPECT_THAT(why(restored(copy_, target_, Waiting::goes_on)), HasSubstr("lock is a link"));
  EXPECT_FALSE(std::filesystem::exists(backup_.path() / "made"));
  std::filesystem::remove(target_ / "lock");
  EXPECT_TRUE(restored(copy_, target_, Waiting::goes_on));
  EXPECT_EQ(std::filesystem::file_size(victim), 8u);
  EXPECT_EQ(std::filesystem::status(victim).permissions(), std::filesystem::perms(0644));
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(target_ / "spool.db")));
}

TEST_F(Restore, TakesOnlyAPlainFileForACopy) {
  make_copy();
  std::filesystem::create_symlink(copy_, backup_.path() / "link");
  EXPECT_THAT(why(restored(backup_.path() / "link", target_, Waiting::goes_on)), HasSubstr("opening "));
  EXPECT_THAT(why(restored(backup_.path(), target_, Waiting::goes_on)), HasSubstr("is no file"));
}

TEST_F(Restore, TakesNothingThatOneLeftWhichWasKilled) {
  make_copy();
  std::filesystem::create_directory(target_);
  for (const char* suffix : {"", "-journal", "-wal", "-shm"})
    std::ofstream((target_ / "spool.db.restored").string() + suffix) << std::string(8192, 'x');
  EXPECT_TRUE(restored(copy_, target_, Waiting::goes_on));
  for (const auto& entry : std::filesystem::directory_iterator(target_))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("restored")));
}

TEST_F(Restore, TheTimelineComesBackWhereThereIsNone) {
  const base::MessageId id = base::MessageId::first(clock_.utc(), 1);
  const auto copy = backup_.path() / "timeline.db";
  {
    const auto timeline = Timeline::open({.directory = from_.path()}, clock_).value();
    timeline->note({.message = id,
                    .recipient = {},
                    .at = clock_.utc(),
                    .kind = EventKind::accepted,
                    .facts = {},
                    .addresses = {"alice@example.com"}});
    timeline->flush();
    ASSERT_TRUE(TimelineReader::open(from_.path()).value()->backup(copy));
  }
  const auto path = target_ / "timeline.db";
  leave_only_wal(path);
  put_left_overs_back(path);
  EXPECT_EQ(restored_timeline(copy, target_).value().value().set_aside.size(), 2u);
  EXPECT_FALSE(restored_timeline(copy, target_).value().has_value());
  EXPECT_EQ(TimelineReader::open(target_).value()->events(id).value().size(), 1u);
  std::ofstream(copy) << std::string(8192, 'x');
  EXPECT_FALSE(restored_timeline(copy, to_.path() / "other"));
  EXPECT_FALSE(std::filesystem::exists(to_.path() / "other"));
}

}  // namespace
}  // namespace postrider::store
