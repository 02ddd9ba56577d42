#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "store/testing/blocking_spool.hpp"
#include "store/testing/power_vfs.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using namespace testing;

constexpr int kSenders = 8;
constexpr int kMessages = 50;  // of each sender

// Senders give what they committed to whoever claims it; each recipient is deferred once, then delivered.
TEST(SpoolConcurrency, YieldsEachAttemptToOneClaimOnlyAndLosesNone) {
  const TemporaryFolder folder;
  sys::fake::Clock clock;
  PowerVfs::instance().watch({});
  auto spool =
      Spool::open({.directory = folder.path() / "spool", .min_free_bytes = 0, .vfs = PowerVfs::kName}, clock)
          .value();
  std::atomic<int> open = kSenders * kMessages * 2;
  std::mutex mutex;
  std::map<RecipientId, int> attempts;

  const auto send = [&](std::size_t size) {
    for (int i = 0; i < kMessages; ++i) {
      const auto id =
          put(*spool, sample_body(size),
              envelope({recipient("a@b.example", clock.utc()), recipient("c@d.example", clock.utc())}))
              .value();
      spool->unclaim({{id, 0}, {id, 1}});
    }
  };
  const auto deliver = [&] {
    while (open > 0) {
      std::vector<RecipientUpdate> updates;
      const auto claimed = claim(*spool, clock.utc() + base::Milliseconds(1), 7);
      for (const Claimed& message : claimed.value()) {
        for (const std::uint32_t index : message.recipients) {
          const RecipientId id{message.id, index};
          const std::uint32_t before = message.envelope->recipients[index].attempts;
          updates.push_back(before == 0 ? deferred(id, clock.utc()) : delivered(id));
          if (before > 0) --open;
          std::lock_guard lock(mutex);
          ++attempts[id];
        }
        EXPECT_FALSE(read_all(*spool, message.id).value().empty());
      }
      EXPECT_TRUE(record(*spool, std::move(updates)));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kSenders; ++i) threads.emplace_back(send, i % 4 == 0 ? 300'000 : 1'000);
    for (int i = 0; i < 3; ++i) threads.emplace_back(deliver);
  }
  EXPECT_EQ(attempts.size(), kSenders * kMessages * 2u);
  for (const auto& [id, count] : attempts) EXPECT_EQ(count, 2) << id.message.to_string();
  EXPECT_EQ(spool->statistics().messages, 0u);
  EXPECT_EQ(spool->statistics().recipients, 0u);
  EXPECT_LT(spool->statistics().transactions, kSenders * kMessages * 4u);
}

}  // namespace
}  // namespace postrider::store
