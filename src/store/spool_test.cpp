#include "store/spool.hpp"

#include <gmock/gmock.h>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "store/testing/power_vfs.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using base::Milliseconds;
using base::UtcTime;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() { PowerVfs::instance().watch({}); }

  std::unique_ptr<Spool> open(const char* vfs = nullptr) {
    auto spool =
        Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = 0, .vfs = vfs}, clock_);
    if (!spool) {
      ADD_FAILURE() << spool.error().log_text();
      std::abort();
    }
    return std::move(*spool);
  }
  UtcTime now() const { return clock_.utc(); }
  std::string path() const { return (folder_.path() / "spool" / "spool.db").string(); }
  // As somebody with the sqlite3 shell.
  std::int64_t number(const char* sql) const {
    return Database(path(), nullptr, Database::Access::read_only).number(sql);
  }
  void execute(const char* sql) const {
    Database(path(), nullptr, Database::Access::read_write).execute(sql);
  }
  std::uintmax_t size_on_disk() const { return std::filesystem::file_size(path()); }
  std::uintmax_t size_of_log() const { return std::filesystem::file_size(path() + "-wal"); }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
};

TEST_F(SpoolTest, GivesBackTheBytesTheEnvelopeAndTheEditsOfWhatWasCommitted) {
  auto spool = open();
  for (const std::size_t size : {0uz, 1uz, 4096uz, Draft::kChunkBytes, Draft::kChunkBytes + 1, 3'000'000uz}) {
    const std::string body = sample_body(size);
    mail::Envelope sent =
        envelope({recipient("bob@example.net", now()), recipient("eve@example.org", now())});
    const mail::Edits edits = {mail::PrependField{"Received: here\r\n"}, mail::RemoveField{3}};
    const auto id = put(*spool, body, sent, edits).value();
    EXPECT_EQ(read_all(*spool, id).value(), body);
    EXPECT_EQ(spool->edits(id).value(), edits);
    spool->unclaim({{id, 0}, {id, 1}});
    const auto claimed = claim(*spool, now() + Milliseconds(1)).value();
    ASSERT_EQ(claimed.size(), 1u);
    sent.size = size;
    EXPECT_EQ(claimed[0].id, id);
    EXPECT_EQ(*claimed[0].envelope, sent);
    EXPECT_THAT(claimed[0].recipients, ElementsAre(0, 1));
  }
}

TEST_F(SpoolTest, HasTheSameMailAfterARestart) {
  const std::string body = sample_body(1'000'000);
  const auto id = put(*open(), body, envelope({recipient("bob@example.net", now())})).value();
  auto spool = open();
  EXPECT_EQ(spool->statistics().messages, 1u);
  EXPECT_EQ(spool->statistics().recipients, 1u);
  EXPECT_EQ(read_all(*spool, id).value(), body);
  EXPECT_EQ(claim(*spool, now() + Milliseconds(1)).value().size(), 1u);
}

TEST_F(SpoolTest, ForgetsAMessageWithItsLastRecipient) {
  auto spool = open();
  const auto id =
      put(*spool, sample_body(600'000), envelope({recipient("a@b.example"), recipient("c@d.example")}))
          .value();
  ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
  EXPECT_EQ(spool->statistics().messages, 1u);
  EXPECT_EQ(spool->statistics().recipients, 1u);
  EXPECT_TRUE(spool->edits(id));
  ASSERT_TRUE(record(*spool, {delivered({id, 1})}));
  EXPECT_EQ(spool->statistics().messages, 0u);
  EXPECT_EQ(spool->statistics().recipients, 0u);
  EXPECT_EQ(spool->edits(id).error().code, (base::EnhancedCode{4, 3, 0}));
  EXPECT_EQ(read_all(*spool, id).error().code, (base::EnhancedCode{4, 3, 0}));
}

TEST_F(SpoolTest, FailsAReadOfAMessageThatIsFinishedMeanwhile) {
  auto spool = open();
  const auto id = put(*spool, sample_body(600'000), envelope({recipient("a@b.example")})).value();
  MessageReader reader = spool->read(id);
  EXPECT_EQ(reader.next().value().size(), Draft::kChunkBytes);
  ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(spool->statistics().quarantined, 0u);
}

TEST_F(SpoolTest, ClaimsADeferredRecipientAgainWhenItIsDue) {
  auto spool = open();
  const auto id =
      put(*spool, "hi", envelope({recipient("a@b.example", now()), recipient("c@d.example", now())})).value();
  const RecipientUpdate update = deferred({id, 1}, now() + std::chrono::minutes(5));
  ASSERT_TRUE(record(*spool, {update, delivered({id, 0})}));
  EXPECT_EQ(next_due(*spool).value(), now() + std::chrono::minutes(5));
  EXPECT_THAT(claim(*spool, now() + std::chrono::minutes(5)).value(), IsEmpty());
  clock_.advance(std::chrono::minutes(5));
  const auto claimed = claim(*spool, now() + Milliseconds(1)).value();
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_THAT(claimed[0].recipients, ElementsAre(1));
  const mail::Recipient& again = claimed[0].envelope->recipients[1];
  EXPECT_EQ(again.attempts, 1u);
  EXPECT_EQ(again.last, update.outcome);
  EXPECT_EQ(again.due, now());
  EXPECT_EQ(again.final, address("c@d.example"));
}

TEST_F(SpoolTest, OwnsWhatWasCommittedOrClaimedUntilItIsRecordedGivenBackOrTheLeaseEnds) {
  auto spool = open();
  const auto id = put(*spool, "hi", envelope({recipient("a@b.example", now())})).value();
  const auto soon = now() + Milliseconds(1);
  EXPECT_THAT(claim(*spool, soon).value(), IsEmpty());
  EXPECT_EQ(next_due(*spool).value(), std::nullopt);
  spool->unclaim({{id, 0}});
  EXPECT_EQ(next_due(*spool).value(), now());
  EXPECT_EQ(claim(*spool, soon, 100, std::chrono::seconds(10)).value().size(), 1u);
  EXPECT_THAT(claim(*spool, soon).value(), IsEmpty());
  clock_.advance(std::chrono::milliseconds(9'999));
  EXPECT_THAT(claim(*spool, soon).value(), IsEmpty());
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(claim(*spool, soon).value().size(), 1u);
}

TEST_F(SpoolTest, RefusesASecondServerOnTheSameDirectory) {
  auto spool = open();
  const auto second = Spool::open({.directory = folder_.path() / "spool"}, clock_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().log_text(), HasSubstr("another server works on"));
}

TEST_F(SpoolTest, RefusesNewMailBelowMinFree) {
  const auto spool =
      Spool::open({.directory = folder_.path() / "spool", .min_free_bytes = UINT64_MAX}, clock_);
  EXPECT_EQ((*spool)->open_draft().error().code, (base::EnhancedCode{4, 3, 1}));
  EXPECT_EQ((*spool)->has_space(0).error().code, (base::EnhancedCode{4, 3, 1}));
}

TEST_F(SpoolTest, CountsOpenDraftsAsSpaceThatIsTaken) {
  auto spool = open();
  // The clock stands, so that the file system is asked only once.
  const auto room = [&] {
    std::uint64_t most = 0;
    for (std::uint64_t step = std::uint64_t{1} << 62; step > 0; step /= 2)
      if (spool->has_space(most + step)) most += step;
    return most;
  };
  const std::uint64_t before = room();
  auto draft = spool->open_draft().value();
  draft.append(std::string(1000, 'x'));
  EXPECT_EQ(room(), before - 1000);
  {
    const Draft dropped = std::move(draft);
  }
  EXPECT_EQ(room(), before);
  ASSERT_TRUE(put(*spool, "hello", envelope({recipient("a@b.example")})));
  EXPECT_EQ(room(), before);
}

TEST_F(SpoolTest, MakesIdsThatGrowAlsoWhenTheClockGoesBackOverARestart) {
  const auto first = put(*open(), "hi", envelope({recipient("a@b.example")})).value();
  clock_.jump(-std::chrono::hours(24));
  auto spool = open();
  const auto second = spool->open_draft().value().id();
  EXPECT_GT(second, first);
  EXPECT_LE(second.time(), first.time() + std::chrono::seconds(2));
  clock_.jump(-std::chrono::hours(24));
  EXPECT_GT(spool->open_draft().value().id(), second);
}

TEST_F(SpoolTest, DeletesTheChunksOfADraftThatIsDestroyed) {
  auto spool = open();
  {
    auto draft = spool->open_draft().value();
    draft.append(sample_body(Draft::kChunkBytes));
    ASSERT_TRUE(flush(*spool, draft));
    EXPECT_EQ(number("SELECT count(*) FROM chunk"), 1);
  }
  maintain(*spool);  // behind the drop
  EXPECT_EQ(number("SELECT count(*) FROM chunk"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM draft"), 0);
}

TEST_F(SpoolTest, KeepsNoCommitWaitingForADraftThatStaysOpen) {
  auto spool = open();
  auto open_draft = spool->open_draft().value();
  open_draft.append("begun");
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(put(*spool, sample_body(100), envelope({recipient("bob@example.net", now())})));
  EXPECT_EQ(spool->statistics().transactions, 3u);
}

TEST_F(SpoolTest, GivesBackTheDiskSpaceOfADrainedBacklog) {
  auto spool = open(PowerVfs::kName);  // without real syncs
  std::vector<RecipientUpdate> updates;
  for (int i = 0; i < 20; ++i) {
    const auto id = put(*spool, sample_body(1'000'000), envelope({recipient("a@b.example")})).value();
    updates.push_back(delivered({id, 0}));
  }
  ASSERT_TRUE(record(*spool, updates));
  maintain(*spool);
  EXPECT_GT(size_on_disk(), 20'000'000u);
  EXPECT_LE(size_of_log(), 64u << 20);
  for (int i = 0; i < 11; ++i) maintain(*spool);
  EXPECT_LT(size_on_disk(), 2'000'000u);
}

TEST_F(SpoolTest, IsOpenedWithoutAWrite) {
  ASSERT_TRUE(put(*open(), "hi", envelope({recipient("a@b.example")})));
  const auto again = open();
  EXPECT_EQ(size_of_log(), 0u);  // a full disk takes no other
}

TEST_F(SpoolTest, WritesItsLogFromTheStartAgainAfterARest) {
  auto spool = open(PowerVfs::kName);  // without real syncs
  const auto round = [&] {
    const auto id = put(*spool, sample_body(1'000'000), envelope({recipient("a@b.example")})).value();
    ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
    maintain(*spool);
  };
  round();
  const auto after_one = size_of_log();
  EXPECT_GT(after_one, 1'000'000u);
  for (int i = 0; i < 10; ++i) round();
  EXPECT_LT(size_of_log(), 2 * after_one);
  EXPECT_GE(size_of_log(), after_one);
}

TEST_F(SpoolTest, KeepsPagesThatAreNeededEveryFewMinutes) {
  auto spool = open(PowerVfs::kName);  // without real syncs
  for (int i = 0; i < 20; ++i) {
    const auto id = put(*spool, sample_body(8'000'000), envelope({recipient("a@b.example")})).value();
    maintain(*spool);
    ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
    maintain(*spool);
  }
  EXPECT_GT(size_on_disk(), 8'000'000u);
}

TEST_F(SpoolTest, KeepsFieldsOfANewerBinaryInARecipientThatItRewrites) {
  const auto id = put(*open(), "hi", envelope({recipient("a@b.example")})).value();
  // Tag 99 with three bytes, behind the version.
  execute("UPDATE recipient SET record = x'0163036e6577'");
  ASSERT_TRUE(record(*open(), {deferred({id, 0}, now())}));
  Database database(path(), nullptr, Database::Access::read_only);
  EXPECT_THAT(database.text("SELECT record FROM recipient"), ::testing::EndsWith("\x63\x03new"));
}

TEST_F(SpoolTest, CountsOnlyWhatWasAnAttempt) {
  auto spool = open();
  const auto id = put(*spool, "hi", envelope({recipient("a@b.example")})).value();
  RecipientUpdate held = deferred({id, 0}, now());
  held.state = mail::RecipientState::held;
  held.attempted = false;
  ASSERT_TRUE(record(*spool, {held}));
  EXPECT_THAT(claim(*spool, UtcTime::max()).value(), IsEmpty());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(record(*spool, {deferred({id, 0}, now())}));
  EXPECT_EQ(claim(*spool, UtcTime::max()).value().at(0).envelope->recipients[0].attempts, 3u);
}

TEST_F(SpoolTest, IgnoresAnOutcomeOfARecipientThatHasItsEnd) {
  auto spool = open();
  const auto id = put(*spool, "hi", envelope({recipient("a@b.example"), recipient("c@d.example")})).value();
  ASSERT_TRUE(record(*spool, {delivered({id, 0})}));
  EXPECT_TRUE(record(*spool, {delivered({id, 0}), deferred({id, 0}, now())}));
  EXPECT_EQ(spool->statistics().recipients, 1u);
}

TEST_F(SpoolTest, TellsItsEffectiveSettings) {
  EXPECT_THAT(open()->describe(), HasSubstr("format=2 journal_mode=wal synchronous=FULL page_size=4096 "
                                            "auto_vacuum=incremental wal_pages=16000"));
}

}  // namespace
}  // namespace postrider::store
