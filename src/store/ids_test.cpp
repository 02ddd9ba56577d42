#include "store/ids.hpp"

#include <gtest/gtest.h>

#include "sys/fake/clock.hpp"

namespace postrider::store {
namespace {

using base::MessageId;
using base::Milliseconds;

TEST(Ids, StartWithTheClock) {
  const sys::fake::Clock clock;
  Ids ids(clock, 7, {});
  EXPECT_EQ(ids.next(), MessageId::first(clock.utc(), 7));
  EXPECT_EQ(ids.next().value, MessageId::first(clock.utc(), 7).value + 1);
}

TEST(Ids, GoOnInTheNextMillisecondWhenOneIsUsedUpAndStayOnTheirNode) {
  const sys::fake::Clock clock;
  Ids ids(clock, 7, {});
  for (int i = 0; i < 8192; ++i) ids.next();
  EXPECT_EQ(ids.next(), MessageId::first(clock.utc() + Milliseconds(1), 7));
}

TEST(Ids, AreAboveWhatMayHaveBeenStoredByWhicheverNode) {
  const sys::fake::Clock clock;
  const MessageId ahead = MessageId::first(clock.utc() + std::chrono::hours(1), 9);
  Ids ids(clock, 7, ahead);
  EXPECT_EQ(ids.next(), MessageId::first(ahead.time() + Milliseconds(1), 7));
}

TEST(Ids, GrowWhenTheClockGoesBack) {
  sys::fake::Clock clock;
  Ids ids(clock, 0, {});
  const MessageId first = ids.next();
  clock.jump(std::chrono::hours(-1));
  EXPECT_EQ(ids.next().value, first.value + 1);
}

}  // namespace
}  // namespace postrider::store
