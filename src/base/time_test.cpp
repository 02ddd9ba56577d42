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

}  // namespace
}  // namespace postrider::base
