#include "store/claims.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace postrider::store {
namespace {

using base::MessageId;
using base::Milliseconds;
using base::SteadyTime;
using base::UtcTime;

constexpr std::string_view kHere = "here.example";
constexpr std::string_view kThere = "there.example";

DueKey key(std::int64_t due, std::int64_t id) { return {UtcTime(Milliseconds(due)), {MessageId{id}, 0}}; }
constexpr SteadyTime kStart{};

// Walks from the cursor over rows as they stand, claims all, and returns how many rows it had to look at.
std::size_t walk(Claims& claims, std::string_view destination, const std::set<DueKey>& rows,
                 std::vector<DueKey>* taken = nullptr) {
  DueKey at = claims.cursor(destination);
  std::size_t looked = 0;
  for (auto row = rows.lower_bound(at); row != rows.end(); ++row, ++looked) {
    if (claims.take(destination, *row, Claims::kForever) && taken != nullptr) taken->push_back(*row);
    at = *row;
  }
  claims.passed(destination, at);
  return looked;
}

std::size_t scan(Claims& claims, const std::set<DueKey>& rows, std::vector<DueKey>* taken = nullptr) {
  claims.begin_scan(kStart);
  const std::size_t looked = walk(claims, kHere, rows, taken);
  claims.end_scan();
  return looked;
}

TEST(Claims, AreMadeOnce) {
  Claims claims;
  claims.own(kHere, key(1, 1));
  claims.begin_scan(kStart);
  EXPECT_FALSE(claims.take(kHere, key(1, 1), Claims::kForever));
  EXPECT_TRUE(claims.take(kHere, key(2, 2), Claims::kForever));
  EXPECT_FALSE(claims.take(kHere, key(2, 2), Claims::kForever));
}

TEST(Claims, AreLookedAtOnceHoweverManyAreOwned) {
  Claims claims;
  std::set<DueKey> rows;
  for (int i = 0; i < 1000; ++i) rows.insert(key(i, i));
  EXPECT_EQ(scan(claims, rows), 1000u);
  EXPECT_EQ(scan(claims, rows), 1u);
}

TEST(Claims, HaveACursorForEachDestinationThatHasAny) {
  Claims claims;
  const std::set<DueKey> here = {key(1, 1), key(2, 2), key(3, 3)};
  const std::set<DueKey> there = {key(1, 4), key(9, 5)};
  claims.begin_scan(kStart);
  EXPECT_EQ(walk(claims, kHere, here), 3u);
  EXPECT_EQ(walk(claims, kThere, there), 2u);
  claims.end_scan();
  claims.release({MessageId{2}, 0});
  claims.begin_scan(kStart);
  EXPECT_EQ(claims.cursor(kHere), key(2, 2));
  EXPECT_EQ(claims.cursor(kThere), key(9, 5));
  claims.end_scan();
  EXPECT_EQ(claims.destinations(), 2u);
  for (const int id : {1, 3}) claims.forget({MessageId{id}, 0});
  EXPECT_EQ(claims.destinations(), 1u);
  for (const int id : {4, 5}) claims.release({MessageId{id}, 0});
  EXPECT_EQ(claims.destinations(), 0u);
  EXPECT_EQ(claims.size(), 0u);
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
  claims.passed(kHere, key(2, 2));
  claims.end_scan();
  std::vector<DueKey> taken;
  scan(claims, rows, &taken);
  EXPECT_EQ(taken, std::vector{key(1, 1)});
}

TEST(Claims, ThatWereTheLastOfTheirDestinationAndGivenBackDuringAScanAreFoundByTheNext) {
  Claims claims;
  const std::set<DueKey> rows = {key(1, 1), key(2, 2)};
  claims.own(kHere, key(1, 1));
  claims.begin_scan(kStart);
  claims.release({MessageId{1}, 0});
  EXPECT_TRUE(claims.take(kHere, key(2, 2), Claims::kForever));
  claims.passed(kHere, key(2, 2));
  claims.end_scan();
  std::vector<DueKey> taken;
  scan(claims, rows, &taken);
  EXPECT_EQ(taken, std::vector{key(1, 1)});
}

TEST(Claims, AreNotMadeFromWhatChangedSinceTheScanBegan) {
  Claims claims;
  claims.own(kHere, key(1, 1));
  claims.own(kHere, key(2, 2));
  claims.begin_scan(kStart);
  // The scan still reads both rows as they were.
  claims.forget({MessageId{1}, 0});
  claims.rescheduled(kHere, key(9, 2));
  EXPECT_FALSE(claims.take(kHere, key(1, 1), Claims::kForever));
  EXPECT_FALSE(claims.take(kHere, key(2, 2), Claims::kForever));
  claims.passed(kHere, key(2, 2));
  claims.end_scan();
  std::vector<DueKey> taken;
  scan(claims, {key(9, 2)}, &taken);
  EXPECT_EQ(taken, std::vector{key(9, 2)});
}

TEST(Claims, FindWhatNobodyOwnedAndIsDueEarlierNow) {
  Claims claims;
  const std::set<DueKey> rows = {key(5, 5), key(6, 6)};
  scan(claims, rows);
  claims.rescheduled(kHere, key(1, 7));
  std::vector<DueKey> taken;
  scan(claims, {key(1, 7), key(5, 5), key(6, 6)}, &taken);
  EXPECT_EQ(taken, std::vector{key(1, 7)});
}

TEST(Claims, EndWithTheirLease) {
  Claims claims;
  claims.own(kHere, key(0, 9));
  claims.begin_scan(kStart);
  EXPECT_TRUE(claims.take(kHere, key(1, 1), kStart + Milliseconds(10)));
  claims.passed(kHere, key(1, 1));
  claims.end_scan();
  claims.begin_scan(kStart + Milliseconds(9));
  EXPECT_FALSE(claims.is_free({MessageId{1}, 0}));
  claims.passed(kHere, key(5, 5));
  claims.end_scan();
  claims.begin_scan(kStart + Milliseconds(10));
  EXPECT_EQ(claims.cursor(kHere), key(1, 1));
  EXPECT_TRUE(claims.is_free({MessageId{1}, 0}));
}

}  // namespace
}  // namespace postrider::store
