#include "store/claims.hpp"

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

using base::MessageId;
using base::Milliseconds;
using base::SteadyTime;
using base::UtcTime;

DueKey key(std::int64_t due, std::int64_t id) { return {UtcTime(Milliseconds(due)), {MessageId{id}, 0}}; }
constexpr SteadyTime kStart{};

// Scans from the cursor over rows as they stand, claims all, and returns how many rows it had to look at.
std::size_t scan(Claims& claims, const std::set<DueKey>& rows, std::vector<DueKey>* taken = nullptr) {
  DueKey at = claims.begin_scan(kStart);
  std::size_t looked = 0;
  for (auto row = rows.lower_bound(at); row != rows.end(); ++row, ++looked) {
    if (claims.take(*row, Claims::kForever) && taken != nullptr) taken->push_back(*row);
    at = *row;
  }
  claims.end_scan(at);
  return looked;
}

TEST(Claims, AreMadeOnce) {
  Claims claims;
  claims.own(key(1, 1));
  claims.begin_scan(kStart);
  EXPECT_FALSE(claims.take(key(1, 1), Claims::kForever));
  EXPECT_TRUE(claims.take(key(2, 2), Claims::kForever));
  EXPECT_FALSE(claims.take(key(2, 2), Claims::kForever));
}

TEST(Claims, AreLookedAtOnceHoweverManyAreOwned) {
  Claims claims;
  std::set<DueKey> rows;
  for (int i = 0; i < 1000; ++i) rows.insert(key(i, i));
  EXPECT_EQ(scan(claims, rows), 1000u);
  EXPECT_EQ(scan(claims, rows), 1u);
}

TEST(Claims, ThatWereGivenBackAreFoundAgain) {
  Claims claims;
  const std::set<DueKey> rows = {key(1, 1), key(2, 2), key(3, 3)};
  scan(claims, rows);
  claims.release({MessageId{2}, 0});
  std::vector<DueKey> taken;
  EXPECT_EQ(scan(claims, rows, &taken), 2u);
  EXPECT_EQ(taken, std::vector{key(2, 2)});
}

TEST(Claims, ThatWereGivenBackDuringAScanAreFoundByTheNext) {
  Claims claims;
  const std::set<DueKey> rows = {key(1, 1), key(2, 2)};
  scan(claims, rows);
  claims.begin_scan(kStart);
  claims.release({MessageId{1}, 0});
  claims.end_scan(key(2, 2));
  std::vector<DueKey> taken;
  scan(claims, rows, &taken);
  EXPECT_EQ(taken, std::vector{key(1, 1)});
}

TEST(Claims, AreNotMadeFromWhatChangedSinceTheScanBegan) {
  Claims claims;
  claims.own(key(1, 1));
  claims.own(key(2, 2));
  claims.begin_scan(kStart);
  // The scan still reads both rows as they were.
  claims.forget({MessageId{1}, 0});
  claims.rescheduled(key(9, 2));
  EXPECT_FALSE(claims.take(key(1, 1), Claims::kForever));
  EXPECT_FALSE(claims.take(key(2, 2), Claims::kForever));
  claims.end_scan(key(2, 2));
  std::vector<DueKey> taken;
  scan(claims, {key(9, 2)}, &taken);
  EXPECT_EQ(taken, std::vector{key(9, 2)});
}

TEST(Claims, EndWithTheirLease) {
  Claims claims;
  claims.begin_scan(kStart);
  EXPECT_TRUE(claims.take(key(1, 1), kStart + Milliseconds(10)));
  claims.end_scan(key(1, 1));
  claims.begin_scan(kStart + Milliseconds(9));
  EXPECT_FALSE(claims.is_free(key(1, 1)));
  claims.end_scan(key(5, 5));
  EXPECT_EQ(claims.begin_scan(kStart + Milliseconds(10)), key(1, 1));
  EXPECT_TRUE(claims.is_free(key(1, 1)));
}

}  // namespace
}  // namespace postrider::store
