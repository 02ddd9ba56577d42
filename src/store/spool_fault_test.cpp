// Full disks, failed syncs, and what the writer makes of jobs that gather.
#include <gmock/gmock.h>

#include <latch>

#include "store/sqlite.hpp"
#include "store/testing/blocking_spool.hpp"
#include "store/testing/power_vfs.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::SizeIs;

constexpr base::EnhancedCode kFull{4, 3, 1};
constexpr base::EnhancedCode kBroken{4, 3, 0};

class SpoolFault : public ::testing::Test {
 protected:
  SpoolFault() { PowerVfs::instance().watch(folder_.path() / "spool"); }

  std::unique_ptr<Spool> open(std::size_t max_queued_bytes = 64u << 20) {
    return Spool::open({.directory = folder_.path() / "spool",
                        .min_free_bytes = 0,
                        .max_queued_bytes = max_queued_bytes,
                        .on_broken = [this](const base::Failure& why) { broken_.push_back(why.code); },
                        .vfs = PowerVfs::kName},
                       clock_)
        .value();
  }
  static mail::Envelope to_bob() { return envelope({recipient("bob@example.net")}); }
  std::int64_t number(const char* sql) const {
    return Database((folder_.path() / "spool" / "spool.db").string(), nullptr, Database::Access::read_only)
        .number(sql);
  }

  TemporaryFolder folder_;
  sys::fake::Clock clock_;
  std::vector<base::EnhancedCode> broken_;
};

// Keeps the writer from the next jobs until it is released, so that they gather.
class Gathering {
 public:
  explicit Gathering(Spool& spool) {
    Draft draft = spool.open_draft().value();
    spool.commit(std::move(draft), envelope({recipient("bob@example.net")}), {}, "me", {},
                 [this](auto result) {
                   EXPECT_TRUE(result);
                   entered_.count_down();
                   released_.wait();
                   left_.count_down();
                 });
    entered_.wait();
  }
  void release() {
    released_.count_down();
    left_.wait();
  }

 private:
  std::latch entered_{1};
  std::latch released_{1};
  std::latch left_{1};
};

// Commits without waiting; the answers come in order.
class Commits {
 public:
  void add(Spool& spool, Draft draft) {
    ++count_;
    spool.commit(std::move(draft), envelope({recipient("bob@example.net")}), {}, "me", {},
                 [this](auto result) {
                   std::lock_guard lock(mutex_);
                   answers_.push_back(result ? base::EnhancedCode{2, 0, 0} : result.error().code);
                   changed_.notify_all();
                 });
  }
  void add(Spool& spool) {
    Draft draft = spool.open_draft().value();
    draft.append("hello");
    add(spool, std::move(draft));
  }
  std::vector<base::EnhancedCode> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return answers_.size() == count_; });
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<base::EnhancedCode> answers_;
  std::size_t count_ = 0;
};

constexpr base::EnhancedCode kDone{2, 0, 0};

TEST_F(SpoolFault, SharesOneSyncAmongAllCommitsThatWait) {
  auto spool = open();
  Gathering gathering(*spool);
  const auto before = spool->statistics();
  const auto syncs = PowerVfs::instance().syncs();
  Commits commits;
  for (int i = 0; i < 500; ++i) commits.add(*spool);
  gathering.release();
  EXPECT_THAT(commits.wait(), ::testing::AllOf(SizeIs(500), Each(kDone)));
  const auto after = spool->statistics();
  EXPECT_EQ(after.commits - before.commits, 500u);
  EXPECT_EQ(after.transactions - before.transactions, 1u);
  EXPECT_EQ(PowerVfs::instance().syncs() - syncs, 1u);
}

TEST_F(SpoolFault, AnOutcomeWaitsForACommitToShareItsSyncWith) {
  auto spool = open();
  bool shared = false;
  // A machine that is busy may let the time pass in between.
  for (int i = 0; i < 50 && !shared; ++i) {
    const auto id = put(*spool, "one", envelope({recipient("a@b.example")})).value();
    const auto before = spool->statistics().transactions;
    Answer<base::Result<void>> recorded;
    spool->record({delivered({id, 0})}, recorded.completion());
    ASSERT_TRUE(put(*spool, "two", envelope({recipient("a@b.example")})));
    ASSERT_TRUE(recorded.wait());
    shared = spool->statistics().transactions == before + 1;
  }
  EXPECT_TRUE(shared);
}

TEST_F(SpoolFault, DoesNotSyncForAChunkAlone) {
  auto spool = open();
  ASSERT_TRUE(put(*spool, "hi", to_bob()));
  const auto syncs = PowerVfs::instance().syncs();
  auto draft = spool->open_draft().value();
  draft.append(sample_body(Draft::kChunkBytes));
  ASSERT_TRUE(flush(*spool, draft));
  EXPECT_EQ(PowerVfs::instance().syncs(), syncs);
}

TEST_F(SpoolFault, FailsOneBadJobAndNotThoseThatGatheredWithIt) {
  auto spool = open();
  // A draft that lost a chunk to a full disk can't become mail.
  auto bad = spool->open_draft().value();
  bad.append(sample_body(Draft::kChunkBytes));
  PowerVfs::instance().fill_disk(true);
  EXPECT_EQ(flush(*spool, bad).error().code, kFull);
  PowerVfs::instance().fill_disk(false);
  Gathering gathering(*spool);
  Commits commits;
  for (int i = 0; i < 5; ++i) commits.add(*spool);
  commits.add(*spool, std::move(bad));
  for (int i = 0; i < 5; ++i) commits.add(*spool);
  gathering.release();
  auto answers = commits.wait();
  ASSERT_THAT(answers, SizeIs(11));
  EXPECT_EQ(answers[5], kBroken);
  answers.erase(answers.begin() + 5);
  EXPECT_THAT(answers, Each(kDone));
  EXPECT_THAT(broken_, ::testing::IsEmpty());
  EXPECT_TRUE(put(*spool, "hi", to_bob()));
}

TEST_F(SpoolFault, RefusesMailOnAFullDiskAndGoesOnWhenThereIsSpace) {
  auto spool = open();
  const auto id = put(*spool, "before", to_bob()).value();
  auto draft = spool->open_draft().value();
  draft.append(sample_body(Draft::kChunkBytes));
  ASSERT_TRUE(flush(*spool, draft));
  PowerVfs::instance().fill_disk(true);
  EXPECT_EQ(put(*spool, "during", to_bob()).error().code, kFull);
  EXPECT_EQ(record(*spool, {delivered({id, 0})}).error().code, kFull);
  EXPECT_EQ(read_all(*spool, id).value(), "before");
  {
    const Draft dropped = std::move(draft);
  }
  EXPECT_EQ(put(*spool, "during", to_bob()).error().code, kFull);
  EXPECT_EQ(number("SELECT count(*) FROM chunk"), 1);
  PowerVfs::instance().fill_disk(false);
  EXPECT_TRUE(put(*spool, "after", to_bob()));
  EXPECT_TRUE(record(*spool, {delivered({id, 0})}));
  maintain(*spool);  // brings the drop back
  maintain(*spool);
  EXPECT_EQ(number("SELECT count(*) FROM chunk"), 0);
  EXPECT_EQ(spool->statistics().messages, 1u);
  EXPECT_THAT(broken_, ::testing::IsEmpty());
}

TEST_F(SpoolFault, WritesNothingMoreAfterAFailedSync) {
  auto spool = open();
  const auto before = put(*spool, "before", to_bob()).value();
  auto draft = spool->open_draft().value();
  PowerVfs::instance().fail_syncs(true);
  EXPECT_EQ(put(*spool, "lost", to_bob()).error().code, kBroken);
  PowerVfs::instance().fail_syncs(false);
  const auto writes = PowerVfs::instance().writes();
  EXPECT_EQ(put(*spool, "late", to_bob()).error().code, kBroken);
  EXPECT_EQ(record(*spool, {delivered({before, 0})}).error().code, kBroken);
  draft.append("x");
  EXPECT_EQ(flush(*spool, draft).error().code, kBroken);
  EXPECT_EQ(spool->open_draft().error().code, kBroken);
  EXPECT_EQ(spool->has_space(0).error().code, kBroken);
  maintain(*spool);
  EXPECT_THAT(broken_, ::testing::ElementsAre(kBroken));
  spool.reset();
  EXPECT_EQ(PowerVfs::instance().writes(), writes);
  spool = open();
  EXPECT_EQ(read_all(*spool, before).value(), "before");
}

TEST_F(SpoolFault, BreaksOnAFailedSyncOfACheckpoint) {
  auto spool = open();
  ASSERT_TRUE(put(*spool, "hi", to_bob()));
  PowerVfs::instance().fail_syncs(true);
  maintain(*spool);
  EXPECT_THAT(broken_, ::testing::ElementsAre(kBroken));
  EXPECT_EQ(spool->open_draft().error().code, kBroken);
}

TEST_F(SpoolFault, RefusesMoreThanTheWriterMayHaveWaiting) {
  auto spool = open(100'000);
  Gathering gathering(*spool);
  auto first = spool->open_draft().value();
  first.append(sample_body(200'000));
  Answer<base::Result<void>> first_answer;
  spool->commit(std::move(first), to_bob(), {}, "me", {}, first_answer.completion());
  auto second = spool->open_draft().value();
  second.append("hi");
  Answer<base::Result<void>> second_answer;
  spool->commit(std::move(second), to_bob(), {}, "me", {}, second_answer.completion());
  gathering.release();
  EXPECT_TRUE(first_answer.wait());
  EXPECT_EQ(second_answer.wait().error().code, kFull);
  EXPECT_TRUE(put(*spool, "hi", to_bob()));
}

TEST_F(SpoolFault, WritesAndTellsAllBeforeItIsGone) {
  std::size_t done = 0;
  {
    auto spool = open();
    for (int i = 0; i < 100; ++i) {
      auto draft = spool->open_draft().value();
      spool->commit(std::move(draft), to_bob(), {}, "me", {},
                    [&done](auto result) { done += result.has_value(); });
    }
  }
  EXPECT_EQ(done, 100u);
  EXPECT_EQ(open()->statistics().messages, 100u);
}

TEST_F(SpoolFault, LeavesADraftAndAReaderThatOutliveItOnlyFailing) {
  auto spool = open();
  const auto id = put(*spool, "hi", to_bob()).value();
  auto draft = spool->open_draft().value();
  draft.append(sample_body(Draft::kChunkBytes));
  ASSERT_TRUE(flush(*spool, draft));
  MessageReader reader = spool->read(id);
  spool.reset();
  EXPECT_EQ(reader.next().error().code, kBroken);
  spool = open();
  EXPECT_EQ(number("SELECT count(*) FROM chunk"), 0);
}

}  // namespace
}  // namespace postrider::store
