#include "base/time.hpp"

#include <gtest/gtest.h>

namespace postrider::base {
namespace {

using std::chrono::milliseconds;

TEST(Time, IsWrittenForLogsWithMilliseconds) {
  EXPECT_EQ(to_rfc3339(UtcTime(milliseconds(1'795'312'167'123))), "2026-11-22T01:49:27.123Z");
  EXPECT_EQ(to_rfc3339(UtcTime{}), "1970-01-01T00:00:00.000Z");
}

TEST(Time, IsWrittenForHeaderFieldsInUtc) {
  EXPECT_EQ(to_rfc5322(UtcTime(milliseconds(1'795'312'167'123))), "Sun, 22 Nov 2026 01:49:27 +0000");
  EXPECT_EQ(to_rfc5322(UtcTime(milliseconds(951'782'399'999))), "Mon, 28 Feb 2000 23:59:59 +0000");
  EXPECT_EQ(to_rfc5322(UtcTime(milliseconds(951'782'400'000))), "Tue, 29 Feb 2000 00:00:00 +0000");
}

TEST(Time, IsReadAsTheInternetWritesIt) {
  const UtcTime second(milliseconds(1'795'312'167'000));
  EXPECT_EQ(parse_rfc3339("2026-11-22T01:49:27Z"), second);
  EXPECT_EQ(parse_rfc3339("2026-11-22t01:49:27.1239z"), second + milliseconds(123));
  EXPECT_EQ(parse_rfc3339("2026-11-22T02:49:27+01:00"), second);
  EXPECT_EQ(parse_rfc3339("2026-11-21T20:19:27-05:30"), second);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
  for (const char* bad : {"", "2026-11-22", "2026-11-22T01:49Z", "2026-11-22T01:49:27",
                          "2026-11-22T01:49:27.Z", "2026-11-22 01:49:27Z", "2026-11-31T01:49:27Z",
                          "2026-13-22T01:49:27Z", "2026-11-22T24:00:00Z", "2026-11-22T01:60:00Z",
                          "2026-11-22T01:49:61Z", "2026-11-22T01:49:27+1:00", "2026-11-22T01:49:27+24:00",
                          "2026-11-22T01:49:27Zx", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
                          "9999-12-31T23:59:59-00:01", "20260-1-22T01:49:27Z", "+026-11-22T01:49:27Z"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

}  // namespace
}  // namespace postrider::base
