#include "directory/login_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/fake/clock.hpp"

namespace postrider::directory {
namespace {

using base::Milliseconds;
using ::testing::ElementsAre;

constexpr auto kHalf = Milliseconds(500);

base::IpAddress ip(std::string_view text) { return base::IpAddress::parse(text).value(); }

class LoginGuardTest : public ::testing::Test {
 protected:
  // The delay of an attempt that fails; nothing: locked.
  std::optional<Milliseconds> fail(std::string_view client, std::string_view login) {
    auto attempt = guard_.begin(ip(client), login, limits_);
    if (!attempt) return {};
    attempt->failed();
    return attempt->delay();
  }
  std::optional<Milliseconds> succeed(std::string_view client, std::string_view login) {
    auto attempt = guard_.begin(ip(client), login, limits_);
    if (!attempt) return {};
    attempt->succeeded();
    return attempt->delay();
  }
  std::vector<std::string> banned() const {
    std::vector<std::string> names;
    for (const auto& ban : guard_.bans(100)) names.push_back(ban.what);
    return names;
  }

  sys::fake::Clock clock_;
  LoginGuard guard_{clock_};
  GuessLimits limits_{.account = 10, .network = 50, .forget = std::chrono::minutes(15), .trusted = {}};
};

TEST_F(LoginGuardTest, MakesEachWrongPasswordSlowerAndThenLocks) {
  std::vector<Milliseconds> delays;
  for (int i = 0; i < 10; ++i) delays.push_back(fail("192.0.2.1", "alice@example.test").value());
  EXPECT_THAT(delays, ElementsAre(0 * kHalf, 0 * kHalf, 0 * kHalf, kHalf, 2 * kHalf, 4 * kHalf, 8 * kHalf,
                                  16 * kHalf, 16 * kHalf, 16 * kHalf));
  EXPECT_FALSE(fail("192.0.2.1", "alice@example.test"));
  EXPECT_FALSE(succeed("198.51.100.1", "Alice@Example.test"));
  EXPECT_TRUE(succeed("192.0.2.1", "bob@example.test"));
  EXPECT_THAT(banned(), ElementsAre("alice@example.test"));
}

TEST_F(LoginGuardTest, ForgetsAfterATimeWithoutFailures) {
  for (int i = 0; i < 10; ++i) fail("192.0.2.1", "alice@example.test");
  clock_.advance(limits_.forget - Milliseconds(1));
  EXPECT_FALSE(succeed("192.0.2.1", "alice@example.test"));
  EXPECT_EQ(guard_.bans(100).at(0).until, clock_.utc() + Milliseconds(1));
  clock_.advance(Milliseconds(1));
  EXPECT_THAT(banned(), ElementsAre());
  EXPECT_EQ(succeed("192.0.2.1", "alice@example.test"), Milliseconds(0));
}

TEST_F(LoginGuardTest, LocksANetworkThatTriesManyAccounts) {
  int tried = 0;
  while (fail("192.0.2." + std::to_string(tried % 250), "user" + std::to_string(tried) + "@example.test"))
    ++tried;
  EXPECT_EQ(tried, 50);
  EXPECT_FALSE(succeed("192.0.2.255", "alice@example.test"));
  EXPECT_TRUE(succeed("192.0.3.1", "alice@example.test"));
  EXPECT_THAT(banned(), ElementsAre("192.0.2.0/24"));
  for (int i = 0; i < 50; ++i) fail("2001:db8:1:" + std::to_string(i) + "::1", std::to_string(i));
  EXPECT_FALSE(succeed("2001:db8:1:99::1", "alice@example.test"));
  EXPECT_TRUE(succeed("2001:db8:2::1", "alice@example.test"));
}

TEST_F(LoginGuardTest, CountsAttemptsThatAreUnderWay) {
  std::vector<LoginGuard::Attempt> at_once;
  while (auto attempt = guard_.begin(ip("192.0.2.1"), "alice@example.test", limits_))
    at_once.push_back(std::move(*attempt));
  EXPECT_EQ(at_once.size(), 10u);
  EXPECT_EQ(at_once.back().delay(), LoginGuard::kLongestDelay);
  at_once.clear();  // without a verdict
  EXPECT_EQ(succeed("192.0.2.1", "alice@example.test"), Milliseconds(0));
}

TEST_F(LoginGuardTest, NeverLocksLoopbackAndListedNetworksOut) {
  limits_.trusted = {base::Network::parse("198.51.100.0/24").value()};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(fail("127.0.0.1", "alice@example.test"), Milliseconds(0));
    EXPECT_EQ(fail("::1", "alice@example.test"), Milliseconds(0));
    EXPECT_EQ(fail("198.51.100.7", "alice@example.test"), Milliseconds(0));
  }
  EXPECT_EQ(fail("192.0.2.1", "alice@example.test"), Milliseconds(0));
}

TEST_F(LoginGuardTest, NeverLocksOutWhoHasJustLoggedIn) {
  succeed("192.0.2.1", "alice@example.test");
  for (int i = 0; i < 60; ++i) fail("192.0.2.99", "alice@example.test");
  for (int i = 0; i < 60; ++i) fail("192.0.2.99", "user" + std::to_string(i));
  EXPECT_EQ(succeed("192.0.2.1", "alice@example.test"), Milliseconds(0));
  // It is no way to guess at others' accounts, nor for others there.
  EXPECT_FALSE(succeed("192.0.2.1", "bob@example.test"));
  EXPECT_FALSE(succeed("192.0.2.2", "alice@example.test"));
  clock_.advance(LoginGuard::kKnown - Milliseconds(1));
  for (int i = 0; i < 10; ++i) fail("198.51.100.1", "alice@example.test");
  EXPECT_TRUE(succeed("192.0.2.1", "alice@example.test"));
  clock_.advance(LoginGuard::kKnown);
  for (int i = 0; i < 10; ++i) fail("198.51.100.1", "alice@example.test");
  EXPECT_FALSE(succeed("192.0.2.1", "alice@example.test"));
}

TEST_F(LoginGuardTest, LocksNobodyWhereNobodyIsNamed) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(fail("192.0.2.1", ""));
  EXPECT_TRUE(succeed("198.51.100.1", ""));
  EXPECT_THAT(banned(), ElementsAre());
}

TEST_F(LoginGuardTest, KnowsNobodyWhoFailsAsOftenAsTheLimit) {
  succeed("192.0.2.1", "alice@example.test");
  for (int i = 0; i < 20; ++i) fail("192.0.2.1", "alice@example.test");
  EXPECT_FALSE(succeed("192.0.2.1", "alice@example.test"));
}

TEST_F(LoginGuardTest, ClearsWhatAnOperatorNames) {
  const auto lock_all = [&] {
    for (int i = 0; i < 10; ++i) fail("192.0.2.1", "alice@example.test");
    for (int i = 0; i < 40; ++i) fail("192.0.2.1", std::to_string(i));
  };
  lock_all();
  EXPECT_EQ(guard_.bans(100).size(), 2u);
  EXPECT_EQ(guard_.bans(100).at(0).failures, 10u);
  EXPECT_EQ(guard_.clear("ALICE@example.test"), 1u);
  EXPECT_THAT(banned(), ElementsAre("192.0.2.0/24"));
  EXPECT_EQ(guard_.clear("192.0.2.77"), 1u);
  EXPECT_THAT(banned(), ElementsAre());
  EXPECT_EQ(guard_.clear("carol@example.test"), 0u);
  EXPECT_EQ(succeed("192.0.2.1", "alice@example.test"), Milliseconds(0));
  lock_all();
  EXPECT_GT(guard_.clear(""), 2u);
  EXPECT_THAT(banned(), ElementsAre());
}

TEST_F(LoginGuardTest, HoldsSoMuchAndNoMore) {
  for (int i = 0; i < 10; ++i) fail("192.0.2.1", "alice@example.test");
  limits_.network = 1'000'000'000;
  const int most = LoginGuard::kMostEntries;
  for (int i = 0; i < most - 1; ++i) fail("198.51.100.1", std::to_string(i));
  EXPECT_THAT(banned(), ElementsAre("alice@example.test"));
  fail("198.51.100.1", "one more");
  EXPECT_THAT(banned(), ElementsAre());
}

}  // namespace
}  // namespace postrider::directory
