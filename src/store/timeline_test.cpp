#include "store/timeline.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

class TimelineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Timeline> open(TimelineOptions options = {}) {
    options.directory = folder_.path();
    auto timeline = Timeline::open(std::move(options), clock_);
    EXPECT_TRUE(timeline) << timeline.error().log_text();
    return std::move(*timeline);
  }
  std::unique_ptr<TimelineReader> reader() {
    auto reader = TimelineReader::open(folder_.path());
    EXPECT_TRUE(reader) << reader.error().log_text();
    return std::move(*reader);
  }
  // Grows; its time is the clock's.
  base::MessageId next_id() { return {base::MessageId::first(clock_.utc(), 1).value + ++sequence_}; }
  Event event(base::MessageId id, EventKind kind, std::vector<std::string> addresses = {}) {
    return {.message = id,
            .recipient = {},
            .at = clock_.utc(),
            .kind = kind,
            .facts = {{"reply", "250 ok"}},
            .addresses = std::move(addresses)};
  }
  base::MessageId accepted(Timeline& timeline, std::vector<std::string> addresses) {
    const base::MessageId id = next_id();
    timeline.note(event(id, EventKind::accepted, std::move(addresses)));
    return id;
  }
  std::vector<base::MessageId> found(std::string_view address, std::size_t limit = 100,
                                     base::UtcTime since = base::UtcTime::min()) {
    return reader()->messages(address, since, limit).value();
  }
  std::vector<EventKind> kinds(base::MessageId id) {
    std::vector<EventKind> kinds;
    for (const ReadEvent& read : reader()->events(id).value()) kinds.push_back(read.kind);
    return kinds;
  }
  std::uintmax_t file_size() { return std::filesystem::file_size(path_); }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "timeline.db";
  sys::fake::Clock clock_;
  std::int64_t sequence_ = 0;
};

TEST_F(TimelineTest, KeepsTheEventsOfAMessageOverBatchesAndStarts) {
  base::MessageId id;
  {
    const auto timeline = open();
    id = accepted(*timeline, {"alice@example.com"});
    timeline->note(event(id, EventKind::attempt));
    timeline->flush();
    clock_.advance(std::chrono::seconds(5));
    timeline->note(event(id, EventKind::deferred));
    timeline->flush();
    EXPECT_THAT(kinds(id), ElementsAre(EventKind::accepted, EventKind::attempt, EventKind::deferred));
  }
  clock_.advance(std::chrono::seconds(5));
  {
    const auto timeline = open();
    Event last = event(id, EventKind::ended);
    last.last = true;
    last.recipient = 4;
    timeline->note(std::move(last));
  }
  const auto events = reader()->events(id).value();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[3].kind, EventKind::ended);
  EXPECT_EQ(events[3].recipient, 4u);
  EXPECT_TRUE(events[3].last);
  EXPECT_EQ(events[3].at - events[0].at, std::chrono::seconds(10));
  EXPECT_THAT(events[3].facts, ElementsAre(std::pair<std::string, std::string>("reply", "250 ok")));
  EXPECT_THAT(reader()->losses(base::UtcTime::min(), base::UtcTime::max()).value(), IsEmpty());
}

TEST_F(TimelineTest, ReadsTheAcceptanceFirstWhoeverNotedFirst) {
  const auto timeline = open();
  const base::MessageId id = next_id();
  timeline->note(event(id, EventKind::ended));
  clock_.advance(base::Milliseconds(1));
  timeline->note(event(id, EventKind::accepted));
  timeline->flush();
  EXPECT_THAT(kinds(id), ElementsAre(EventKind::accepted, EventKind::ended));
}

TEST_F(TimelineTest, KnowsNothingOfAnUnknownMessage) {
  const auto timeline = open();
  EXPECT_THAT(kinds(next_id()), IsEmpty());
  EXPECT_THAT(found("nobody@example.com"), IsEmpty());
}

TEST_F(TimelineTest, FindsMessagesByAddressNewestFirst) {
  const auto timeline = open();
  const auto first = accepted(*timeline, {"alice@example.com", "bob@example.net"});
  const auto second = accepted(*timeline, {"Alice@Example.COM", "alice@example.com"});
  timeline->flush();
  const base::UtcTime since = clock_.utc() + std::chrono::hours(1);
  clock_.advance(std::chrono::hours(2));
  const auto third = accepted(*timeline, {"carol@example.org", "ALICE@example.com"});
  timeline->flush();
  EXPECT_THAT(found("alice@EXAMPLE.com"), ElementsAre(third, second, first));
  EXPECT_THAT(found("alice@example.com", 2), ElementsAre(third, second));
  EXPECT_THAT(found("alice@example.com", 100, since), ElementsAre(third));
  EXPECT_THAT(found("bob@example.net"), ElementsAre(first));
  EXPECT_THAT(found("bob@example.net", 0), IsEmpty());
}

TEST_F(TimelineTest, FindsThroughAllRunsOfTheIndex) {
  const auto timeline = open();
  std::vector<base::MessageId> expected;
  // Enough batches to merge three times.
  for (int i = 0; i < 600; ++i) {
    expected.insert(expected.begin(),
                    accepted(*timeline, {"all@example.com", std::to_string(i) + "@example.com"}));
    clock_.advance(std::chrono::seconds(1));
    timeline->flush();
  }
  EXPECT_EQ(found("all@example.com", 1000), expected);
  for (int i = 0; i < 600; i += 77)
    EXPECT_THAT(found(std::to_string(i) + "@example.com"), ElementsAre(expected[599 - i]));
  Database database(path_.string(), nullptr, Database::Access::read_only);
  EXPECT_LT(database.number("SELECT count(*) FROM run"), 25);
  EXPECT_EQ(database.number("SELECT sum(entries) FROM run"), 1200);
}

TEST_F(TimelineTest, ForgetsWhatEndedLongerAgoThanItKeeps) {
  const auto timeline = open({.directory = {}, .keep = std::chrono::days(30)});
  const auto ended = accepted(*timeline, {"alice@example.com"});
  const auto open_still = accepted(*timeline, {"alice@example.com"});
  Event last = event(ended, EventKind::ended);
  last.last = true;
  timeline->note(std::move(last));
  timeline->flush();
  clock_.advance(std::chrono::days(20));
  timeline->note(event(open_still, EventKind::attempt));
  timeline->flush();
  clock_.advance(std::chrono::days(10));
  timeline->flush();
  EXPECT_THAT(found("alice@example.com"), ElementsAre(open_still, ended));
  clock_.advance(std::chrono::minutes(2));
  timeline->flush();
  EXPECT_THAT(kinds(ended), IsEmpty());
  EXPECT_THAT(kinds(open_still), ElementsAre(EventKind::accepted, EventKind::attempt));
  EXPECT_THAT(found("alice@example.com"), ElementsAre(open_still));
  clock_.advance(std::chrono::days(20));
  timeline->flush();
  EXPECT_THAT(kinds(open_still), IsEmpty());
  Database database(path_.string(), nullptr, Database::Access::read_only);
  EXPECT_EQ(database.number("SELECT (SELECT count(*) FROM more) + (SELECT count(*) FROM run) + "
                            "(SELECT count(*) FROM block)"),
            0);
}

TEST_F(TimelineTest, StaysUnderItsSizeByForgettingTheOldest) {
  constexpr std::uint64_t kMax = 4u << 20;
  const auto timeline = open({.directory = {}, .max_bytes = kMax});
  std::vector<base::MessageId> ids;
  for (int batch = 0; batch < 60; ++batch) {
    for (int i = 0; i < 200; ++i) {
      ids.push_back(accepted(*timeline, {std::to_string(ids.size()) + "@example.com", "all@example.com"}));
      Event attempt = event(ids.back(), EventKind::attempt);
      attempt.facts = {{"transcript", std::string(1000, 'x')}};
      timeline->note(std::move(attempt));
    }
    clock_.advance(std::chrono::seconds(1));
    timeline->flush();
    ASSERT_LE(file_size(), kMax);
  }
  EXPECT_EQ(timeline->dropped(), 0u);
  EXPECT_THAT(kinds(ids.front()), IsEmpty());
  EXPECT_THAT(kinds(ids.back()), ElementsAre(EventKind::accepted, EventKind::attempt));
  const auto left = found("all@example.com", 100'000);
  EXPECT_GT(left.size(), 2000u);
  EXPECT_LT(left.size(), 4000u);
  EXPECT_EQ(left.front(), ids.back());
}

TEST_F(TimelineTest, GivesPagesBackWhenItsBoundIsLowered) {
  {
    const auto timeline = open();
    for (int i = 0; i < 4000; ++i) {
      Event attempt = event(next_id(), EventKind::attempt);
      attempt.facts = {{"transcript", std::string(2000, 'x')}};
      timeline->note(std::move(attempt));
    }
  }
  ASSERT_GT(file_size(), 7u << 20);
  {
    const auto timeline = open({.directory = {}, .max_bytes = 2u << 20});
    for (int i = 0; i < 5; ++i) {
      accepted(*timeline, {});
      clock_.advance(std::chrono::minutes(2));
      timeline->flush();
    }
  }
  EXPECT_LE(file_size(), 2u << 20);
}

TEST_F(TimelineTest, DropsAndCountsWhatIsTooMuchAtATime) {
  const auto timeline = open({.directory = {}, .max_waiting_bytes = 10'000});
  const base::MessageId id = next_id();
  Event large = event(id, EventKind::attempt);
  large.facts = {{"transcript", std::string(20'000, 'x')}};
  timeline->note(std::move(large));
  EXPECT_EQ(timeline->dropped(), 1u);
  timeline->note(event(id, EventKind::ended));
  timeline->flush();
  EXPECT_EQ(timeline->dropped(), 1u);
  EXPECT_THAT(kinds(id), ElementsAre(EventKind::ended));
}

TEST_F(TimelineTest, MarksACrash) {
  const base::UtcTime before = clock_.utc();
  {
    TemporaryFolder crashed;
    const auto timeline = open();
    accepted(*timeline, {});
    timeline->flush();
    // What a killed process leaves.
    std::filesystem::copy(folder_.path(), crashed.path());
    sys::fake::Clock later(before + std::chrono::minutes(1));
    for (int start = 0; start < 2; ++start) {
      // The second finds a clean end.
      ASSERT_TRUE(Timeline::open({.directory = crashed.path()}, later));
      const auto losses = TimelineReader::open(crashed.path()).value()->losses(before, before).value();
      ASSERT_EQ(losses.size(), 1u);
      EXPECT_EQ(losses[0].after, before);
      EXPECT_EQ(losses[0].noticed, before + std::chrono::minutes(1));
    }
    auto reader = TimelineReader::open(crashed.path()).value();
    EXPECT_THAT(reader->losses(before + std::chrono::minutes(2), base::UtcTime::max()).value(), IsEmpty());
    EXPECT_THAT(reader->losses(base::UtcTime::min(), before - base::Milliseconds(1)).value(), IsEmpty());
  }
}

TEST_F(TimelineTest, BeginsANewFileWhereTheOldOneIsDamaged) {
  std::ofstream(path_) << "this is not a database at all, and it is not short either: "
                       << std::string(5000, '.');
  {
    const auto timeline = open();
    const auto id = accepted(*timeline, {"alice@example.com"});
    timeline->flush();
    EXPECT_THAT(found("alice@example.com"), ElementsAre(id));
  }
  std::ifstream aside(path_.string() + ".damaged");
  std::string start(21, '\0');
  aside.read(start.data(), 21);
  EXPECT_EQ(start, "this is not a databas");
}

TEST_F(TimelineTest, MovesAForeignDatabaseAside) {
  Database(path_.string(), nullptr, Database::Access::read_write).execute("CREATE TABLE mine(x)");
  open();
  Database aside(path_.string() + ".damaged", nullptr, Database::Access::read_only);
  EXPECT_EQ(aside.number("SELECT count(*) FROM mine"), 0);
}

TEST_F(TimelineTest, BeginsANewFileWhereDamageShowsWhileItRuns) {
  base::MessageId old;
  {
    const auto timeline = open();
    for (int i = 0; i < 1000; ++i) old = accepted(*timeline, {"old@example.com"});
  }
  {
    // All but the first page, which has the header and the schema.
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(file_size() - 4096, '\xff');
  }
  auto timeline = Timeline::open({.directory = folder_.path()}, clock_);
  ASSERT_TRUE(timeline);
  accepted(**timeline, {"lost@example.com"});
  (*timeline)->flush();
  const auto id = accepted(**timeline, {"new@example.com"});
  (*timeline)->flush();
  EXPECT_THAT(found("new@example.com"), ElementsAre(id));
  EXPECT_TRUE(std::filesystem::exists(path_.string() + ".damaged"));
}

// The locks on a file that another process would meet.
bool is_locked(const std::filesystem::path& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;  // all of the file, and as far as a file can go
    ::_exit(::fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

TEST_F(TimelineTest, KeepsItsLocksWhenAWriteFails) {
  const auto timeline = open();
  accepted(*timeline, {"alice@example.com"});
  timeline->flush();
  ASSERT_TRUE(is_locked(path_));
  {
    Database other(path_.string(), nullptr, Database::Access::read_write);
    // A fault that says nothing of the bytes.
    other.execute("CREATE TRIGGER no BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'not now'); END");
    EXPECT_TRUE(is_locked(path_));
  }
  accepted(*timeline, {"alice@example.com"});
  timeline->flush();
  EXPECT_EQ(timeline->dropped(), 1u);
  EXPECT_TRUE(is_locked(path_));
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".damaged"));
}

TEST_F(TimelineTest, MergesRunsWhoseCountIsDamaged) {
  for (const char* count : {"-1", "9223372036854775807"}) {
    std::vector<base::MessageId> ids;
    {
      const auto timeline = open();
      // One run each; eight are merged.
      for (int run = 0; run < 7; ++run) {
        ids.insert(ids.begin(), accepted(*timeline, {"alice@example.com"}));
        timeline->flush();
      }
    }
    Database(path_.string(), nullptr, Database::Access::read_write)
        .execute((std::string("UPDATE run SET entries = ") + count).c_str());
    {
      const auto timeline = open();
      ids.insert(ids.begin(), accepted(*timeline, {"alice@example.com"}));
      timeline->flush();
      EXPECT_EQ(timeline->dropped(), 0u);
      EXPECT_EQ(found("alice@example.com"), ids);
    }
    EXPECT_EQ(
        Database(path_.string(), nullptr, Database::Access::read_only).number("SELECT count(*) FROM run"), 1);
    EXPECT_FALSE(std::filesystem::exists(path_.string() + ".damaged"));
    std::filesystem::remove(path_);
  }
}

TEST_F(TimelineTest, SetsTheFileAsideWhateverIsThrownOverIt) {
  // Stands for any number in the file that a container can't have as its size.
  class FaultyClock : public sys::Clock {
   public:
    base::UtcTime utc() const override {
      if (faulty.exchange(false)) throw std::length_error("vector::reserve");
      return right.utc();
    }
    base::SteadyTime steady() const override { return right.steady(); }
    sys::fake::Clock right;
    mutable std::atomic<bool> faulty = false;
  } clock;
  auto timeline = Timeline::open({.directory = folder_.path()}, clock).value();
  timeline->flush();
  clock.faulty = true;
  clock.right.advance(std::chrono::hours(1));  // a sweep is due
  timeline->flush();
  EXPECT_FALSE(clock.faulty);
  EXPECT_TRUE(std::filesystem::exists(path_.string() + ".damaged"));
  const auto id = accepted(*timeline, {"alice@example.com"});
  timeline->flush();
  timeline->flush();
  EXPECT_THAT(kinds(id), ElementsAre(EventKind::accepted));
}

TEST_F(TimelineTest, RefusesANewerFormat) {
  open();
  Database(path_.string(), nullptr, Database::Access::read_write).execute("PRAGMA user_version=2");
  const auto timeline = Timeline::open({.directory = folder_.path()}, clock_);
  ASSERT_FALSE(timeline);
  EXPECT_TRUE(timeline.error().permanent());
  EXPECT_THAT(timeline.error().log_text(),
              HasSubstr("has format 2, and this postrider knows formats up to 1"));
  const auto reader = TimelineReader::open(folder_.path());
  ASSERT_FALSE(reader);
  EXPECT_TRUE(reader.error().permanent());
}

TEST_F(TimelineTest, TheReaderSaysSoWhereThereIsNoneYet) {
  const auto reader = TimelineReader::open(folder_.path());
  ASSERT_FALSE(reader);
  EXPECT_FALSE(reader.error().permanent());
  EXPECT_EQ(reader.error().text, "there is no timeline yet");
}

TEST_F(TimelineTest, AReaderSeesWhatComesWhileItIsOpen) {
  const auto timeline = open();
  const auto reading = reader();
  const auto id = accepted(*timeline, {"alice@example.com"});
  timeline->flush();
  EXPECT_EQ(reading->events(id).value().size(), 1u);
  timeline->note(event(id, EventKind::ended));
  timeline->flush();
  EXPECT_EQ(reading->events(id).value().size(), 2u);
}

}  // namespace
}  // namespace postrider::store
