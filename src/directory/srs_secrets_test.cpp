#include "directory/srs_secrets.hpp"

#include <gtest/gtest.h>

#include "directory/testing/house.hpp"

namespace postrider::directory {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr base::Milliseconds kAge = days(21);
const base::UtcTime kBegin{days(20'000)};

std::vector<long> days_of(const SrsSecrets& secrets) {
  std::vector<long> all;
  for (const auto& secret : secrets)
    all.push_back(std::chrono::duration_cast<days>(secret.made - kBegin).count());
  return all;
}

TEST(SrsSecrets, OneIsMadeAtFirstAndAnotherEachThirtyDays) {
  sys::fake::Random random;
  SrsSecrets secrets;
  ASSERT_TRUE(are_due(secrets, kBegin, kAge));
  secrets = renewed(secrets, kBegin, kAge, random);
  ASSERT_EQ(secrets.size(), 1u);
  EXPECT_EQ(secrets[0].octets.size(), 32u);
  EXPECT_FALSE(are_due(secrets, kBegin + days(30) - hours(1), kAge));
  EXPECT_EQ(renewed(secrets, kBegin + days(29), kAge, random), secrets);
  ASSERT_TRUE(are_due(secrets, kBegin + days(30), kAge));
  const auto two = renewed(secrets, kBegin + days(30), kAge, random);
  EXPECT_EQ(days_of(two), (std::vector<long>{30, 0}));
  EXPECT_EQ(two[1], secrets[0]);
  EXPECT_NE(two[0].octets, two[1].octets);
}

TEST(SrsSecrets, OneGoesWhenNoAddressOfItIsGoodAnyMore) {
  sys::fake::Random random;
  auto secrets = renewed({}, kBegin, kAge, random);
  secrets = renewed(secrets, kBegin + days(30), kAge, random);
  // Used until day 30: good until day 51, and that whole day.
  EXPECT_FALSE(are_due(secrets, kBegin + days(52), kAge));
  ASSERT_TRUE(are_due(secrets, kBegin + days(52) + hours(1), kAge));
  EXPECT_EQ(days_of(renewed(secrets, kBegin + days(53), kAge, random)), std::vector<long>{30});
}

TEST(SrsSecrets, AServerThatWasOffForAYearHasANewOneAndTheLast) {
  sys::fake::Random random;
  auto secrets = renewed({}, kBegin, kAge, random);
  secrets = renewed(secrets, kBegin + days(30), kAge, random);
  EXPECT_EQ(days_of(renewed(secrets, kBegin + days(400), kAge, random)), (std::vector<long>{400, 30}));
}

TEST(SrsSecrets, AreBoundedHoweverLongAddressesAreGood) {
  sys::fake::Random random;
  SrsSecrets secrets;
  for (int month = 0; month < 40; ++month)
    secrets = renewed(secrets, kBegin + days(30 * month), days(365), random);
  EXPECT_LE(secrets.size(), 14u);
  EXPECT_EQ(days_of(secrets).front(), 30 * 39);
}

TEST(SrsSecrets, StandInTheDatabaseAndAreTheSameForAll) {
  testing::House house;
  sys::fake::Random random;
  const auto registry = house.open();
  EXPECT_TRUE(registry->srs_secrets()->empty());
  const auto generation = registry->generation().value();
  const auto made = registry->renew_srs_secrets(kBegin, kAge, random).value();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(house.open()->renew_srs_secrets(kBegin + days(1), kAge, random).value(), made);
  const auto two = house.open()->renew_srs_secrets(kBegin + days(40), kAge, random).value();
  EXPECT_EQ(days_of(two), (std::vector<long>{40, 0}));
  EXPECT_EQ(registry->srs_secrets().value(), two);
  EXPECT_EQ(registry->generation().value(), generation);
}

TEST(SrsSecrets, AnEmptyOneIsNone) {
  testing::House house;
  house.open();
  store::Database database(house.file().string(), nullptr, store::Database::Access::read_write);
  database.execute("INSERT INTO meta VALUES('srs_secret_1', x'')");
  EXPECT_TRUE(house.open()->srs_secrets()->empty());
}

}  // namespace
}  // namespace postrider::directory
