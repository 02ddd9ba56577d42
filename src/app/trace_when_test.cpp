#include "app/trace_when.hpp"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

constexpr base::UtcTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) +
                             std::chrono::hours(12)};

TEST(TraceWhen, ASpanCountsBackFromNow) {
  EXPECT_EQ(parse_since("90s", kNow), kNow - std::chrono::seconds(90));
  EXPECT_EQ(parse_since("10m", kNow), kNow - std::chrono::minutes(10));
  EXPECT_EQ(parse_since("2h", kNow), kNow - std::chrono::hours(2));
  EXPECT_EQ(parse_since("3d", kNow), kNow - std::chrono::days(3));
}

TEST(TraceWhen, ADateIsUtc) {
  EXPECT_EQ(parse_since("2026-11-22", kNow), kNow - std::chrono::hours(12));
  EXPECT_EQ(parse_since("2026-11-22T10:00", kNow), kNow - std::chrono::hours(2));
  EXPECT_EQ(parse_since("2026-11-22T11:59:30Z", kNow), kNow - std::chrono::seconds(30));
  EXPECT_EQ(parse_since("2024-02-29", kNow),
            base::UtcTime(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29)));
}

TEST(TraceWhen, NothingElseIsATime) {
  for (const char* text : {"", "yesterday", "2026", "2026-13-01", "2026-02-30", "2026-11-22T",
                           "2026-11-22T24:00", "2026-11-22T10:60", "2026-11-22T10:00:60", "2026-11-22 10:00",
                           "2026-11-22T10:00+01:00", "2026-11-2", "-026-11-22", "2026-11-22Z5"})
    EXPECT_EQ(parse_since(text, kNow), std::nullopt) << text;
}

}  // namespace
}  // namespace postrider::app
