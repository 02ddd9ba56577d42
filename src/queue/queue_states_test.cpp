// One test for each row of docs/queue-states.md, by its name: what holds the state, what ends it, and what a
// crash leaves of it.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>

#include "queue/testing/house.hpp"

namespace postrider::queue {
namespace {

using namespace testing;
using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A file system that has no room for the write-ahead log while the test says so. One at a time.
class FullDisk {
 public:
  static constexpr const char* kName = "full_disk";
  FullDisk() {
    full_ = refused_ = false;
    refusal_ = {};
    sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
    real_open_ = real->xOpen;
    vfs_ = *real;
    vfs_.zName = kName;
    vfs_.xOpen = [](sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
      const int result = real_open_(vfs, name, file, flags, out);
      if (result != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return result;
      real_write_ = file->pMethods->xWrite;
      methods_ = *file->pMethods;
      methods_.xWrite = [](sqlite3_file* at, const void* data, int size, sqlite3_int64 offset) {
        if (!full_) return real_write_(at, data, size, offset);
        if (!refused_.exchange(true)) refusal_.set_value();
        return SQLITE_FULL;
      };
      file->pMethods = &methods_;
      return result;
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~FullDisk() { sqlite3_vfs_unregister(&vfs_); }
  void fill() { full_ = true; }
  void free() { full_ = false; }
  void wait_until_refused() { refusal_.get_future().wait(); }

 private:
  static inline std::atomic<bool> full_ = false;
  static inline std::atomic<bool> refused_ = false;
  static inline std::promise<void> refusal_;
  static inline decltype(sqlite3_vfs::xOpen) real_open_ = nullptr;
  static inline decltype(sqlite3_io_methods::xWrite) real_write_ = nullptr;
  static inline sqlite3_io_methods methods_{};
  sqlite3_vfs vfs_{};
};

TEST(QueueStates, ADraftVanishesInACrash) {
  House house;
  auto draft = house.queue->open_draft();
  draft->append(std::string(store::Draft::kChunkBytes, 'a'));
  std::promise<void> flushed;
  house.queue->flush(*draft, [&](base::Result<void>) { flushed.set_value(); });
  flushed.get_future().wait();
  const auto next = after_crash(house);
  next->idle();
  EXPECT_EQ(next->router.near.count(), 0u);
  EXPECT_EQ(next->kept(), 0u);
}

TEST(QueueStates, WaitingInMemoryIsTriedAtOnceAndAfterACrash) {
  House house;
  house.accept({"a@one.test"});
  const auto next = after_crash(house);
  next->router.near.take().answer(delivered());
  next->idle();
  EXPECT_EQ(next->kept(), 0u);
  house.router.near.take().answer(delivered());
  house.idle();
}

TEST(QueueStates, WaitingOnDiskIsClaimedWhenItIsDueAndAfterACrash) {
  House house;
  house.accept({"a@one.test"});
  house.router.near.take().answer(deferred());
  house.idle();
  const auto next = after_crash(house);
  next->idle();
  EXPECT_EQ(next->router.near.count(), 0u);  // not due yet
  next->clock.advance(minutes(2));
  Attempted again = next->router.near.take();
  EXPECT_EQ(again.job.envelope->recipients[0].attempts, 1u);
  EXPECT_EQ(again.job.envelope->recipients[0].last->reply, mail::reply(451, 4, 1, "no answer"));
  again.answer(delivered());
  next->idle();
  EXPECT_EQ(next->kept(), 0u);
}

TEST(QueueStates, UnderAttemptIsTriedAgainAfterACrash) {
  House house;
  house.accept({"a@one.test"});
  Attempted attempt = house.router.near.take();
  const auto next = after_crash(house);
  Attempted again = next->router.near.take();
  EXPECT_EQ(again.recipients(), std::vector<std::string>{"a@one.test"});
  EXPECT_EQ(next->kept(), 1u);
  again.answer(delivered());
  attempt.answer(delivered());
  house.idle();
}

TEST(QueueStates, DecidedButNotRecordedIsKeptWhileTheDiskIsFullAndNotTriedAgain) {
  FullDisk disk;
  House house({}, FullDisk::kName);
  house.accept({"later@one.test"});
  house.router.near.take().answer(deferred());
  house.idle();
  house.accept({"a@one.test"});
  house.accept({"b@one.test"});
  Attempted attempt = house.router.near.take();
  Attempted other = house.router.near.take();
  disk.fill();
  Captured log;
  attempt.answer(delivered());
  disk.wait_until_refused();
  auto idle = house.becomes_idle();
  EXPECT_EQ(idle.wait_for(milliseconds(200)), std::future_status::timeout);
  house.clock.advance(minutes(2));  // another one is due now, but nothing new may start
  other.answer(deferred());
  EXPECT_EQ(idle.wait_for(milliseconds(200)), std::future_status::timeout);
  EXPECT_EQ(house.router.near.count(), 3u);
  EXPECT_EQ(house.kept(), 3u);
  const auto next = after_crash(house);  // a crash now: it is delivered again
  Attempted again = next->router.near.take();
  EXPECT_EQ(again.job.id, attempt.job.id);
  next->router.near.take().answer(delivered());
  disk.free();
  again.answer(delivered());
  house.router.near.always(delivered());
  while (idle.wait_for(milliseconds(20)) != std::future_status::ready) house.clock.advance(seconds(1));
  EXPECT_EQ(house.router.near.count(), 4u);  // the one that was due, and none twice
  EXPECT_EQ(house.kept(), 1u);
  const std::string text = log.text();
  EXPECT_LT(text.find("event=record_failed"), text.find("event=delivered"));
}

TEST(QueueStates, HeldWaitsForAnOperatorEvenThroughACrash) {
  House house;
  Captured log;
  house.accept({"a@hold.test"});
  house.idle();
  EXPECT_NE(log.text().find("event=held"), std::string::npos);
  house.pass(days(30));
  EXPECT_EQ(house.kept(), 1u);
  const auto next = after_crash(house);
  next->pass(days(60));
  EXPECT_EQ(next->kept(), 1u);
  EXPECT_EQ(next->router.near.count() + next->router.far.count(), 0u);
}

TEST(QueueStates, UntoldIsKeptUntilTheSenderIsToldEvenThroughACrashAndNotTriedAgain) {
  House house;
  const auto id = house.accept({"a@one.test"});
  house.router.near.take().answer(failed());
  // More of the same message could come within the second that the clock does not pass here.
  house.becomes({id, 0}, mail::RecipientState::untold);
  const auto next = after_crash(house);
  next->idle();
  EXPECT_EQ(next->router.near.count(), 0u);
  EXPECT_EQ(next->router.senders.count(), 1u);
  EXPECT_EQ(next->kept(), 0u);
  EXPECT_EQ(house.kept(), 1u);
  EXPECT_EQ(house.router.senders.count(), 0u);
  house.pass(seconds(1));
  EXPECT_EQ(house.router.near.count(), 1u);
  EXPECT_EQ(house.router.senders.count(), 1u);
  EXPECT_EQ(house.kept(), 0u);
}

TEST(QueueStates, UntoldIsADeliveryTooWhoseSenderWantsToKnow) {
  House house;
  auto envelope = house.envelope({"a@one.test"});
  envelope.recipients[0].notify = {.specified = true, .success = true, .failure = false, .delay = false};
  const auto id = house.accept(envelope);
  house.router.near.take().answer(delivered());
  house.becomes({id, 0}, mail::RecipientState::untold);
  house.idle();
  EXPECT_EQ(house.router.senders.count(), 1u);
  EXPECT_EQ(house.kept(), 0u);
}

TEST(QueueStates, FailedWithNobodyToTellIsGone) {
  House house;
  Captured log;
  house.accept(house.envelope({"a@one.test"}, ""));
  auto never = house.envelope({"b@one.test"});
  never.recipients[0].notify.specified = true;
  house.accept(never);
  house.router.near.take().answer(failed());
  house.router.near.take().answer(failed());
  house.idle();
  EXPECT_EQ(house.kept(), 0u);
  const std::string text = log.text();
  const auto first = text.find("told=nobody");
  EXPECT_NE(first, std::string::npos);
  EXPECT_NE(text.find("told=nobody", first + 1), std::string::npos);
  EXPECT_EQ(text.find("event=discarded"), std::string::npos);
}

TEST(QueueStates, GoneStaysGoneAfterACrash) {
  House house;
  Captured log;
  house.accept({"a@one.test", "b@discard.test"});
  house.router.near.take().answer(delivered());
  house.idle();
  EXPECT_NE(log.text().find("event=discarded"), std::string::npos);
  EXPECT_EQ(house.kept(), 0u);
  const auto next = after_crash(house);
  next->idle();
  EXPECT_EQ(next->router.near.count(), 0u);
  EXPECT_EQ(next->spool->statistics().messages, 0u);
}

}  // namespace
}  // namespace postrider::queue
