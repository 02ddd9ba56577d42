#include "base/id.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace postrider::base {
namespace {

using std::chrono::milliseconds;

TEST(MessageId, IsThirteenCharactersThatReadBack) {
  const MessageId id{0x0123456789ABCDEF};
  EXPECT_EQ(id.to_string(), "028t5cy4tqkff");
  EXPECT_EQ(MessageId::parse("028t5cy4tqkff"), id);
  EXPECT_EQ(MessageId::parse("028T5CY4TQKFF"), id);
  const MessageId highest{std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(highest.to_string(), "7zzzzzzzzzzzz");
  EXPECT_EQ(MessageId::parse("7zzzzzzzzzzzz"), highest);
}

TEST(MessageId, RefusesOtherTexts) {
  constexpr std::array<std::string_view, 9> kBad = {"",
                                                    "028t5cy4tqkf",
                                                    "028t5cy4tqkff0",
                                                    "028t5cy4tqkfi",
                                                    "028t5cy4tqkfo",
                                                    "028t5cy4tqkf ",
                                                    "0000000000000",
                                                    "8000000000000",
                                                    "zzzzzzzzzzzzz"};
  for (const auto bad : kBad) EXPECT_FALSE(MessageId::parse(bad)) << bad;
}

TEST(MessageId, SortsByTimeThenNodeAsTextToo) {
  const auto early = MessageId::first(UtcTime(milliseconds(1'795'312'167'123)), 255);
  const auto later = MessageId::first(UtcTime(milliseconds(1'795'312'167'124)), 0);
  EXPECT_LT(early, later);
  EXPECT_LT(early.to_string(), later.to_string());
  EXPECT_EQ(early.time(), UtcTime(milliseconds(1'795'312'167'123)));
  EXPECT_EQ(early.value & ((1 << MessageId::kSequenceBits) - 1), 0);
  EXPECT_FALSE(MessageId{});
}

}  // namespace
}  // namespace postrider::base
