#include "wire/smtp/line_repair.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::smtp {
namespace {

// The same, however it is cut.
std::string repaired(std::string_view content, LineRepair::From from = LineRepair::From::data) {
  std::string whole;
  LineRepair repair({});
  repair.feed(content, from, whole);
  repair.finish(whole);
  std::string pieces;
  LineRepair octets({});
  for (const char c : content) octets.feed(std::string_view(&c, 1), from, pieces);
  octets.finish(pieces);
  EXPECT_EQ(whole, pieces);
  EXPECT_EQ(repair.repaired(), octets.repaired());
  return whole;
}

TEST(LineRepair, LeavesWhatIsRight) {
  EXPECT_EQ(repaired("a\r\n.b\r\n\r\nc"), "a\r\n.b\r\n\r\nc");
  EXPECT_EQ(repaired(""), "");
}

TEST(LineRepair, MakesEachLineEndOne) {
  EXPECT_EQ(repaired("a\nb\rc\r\nd\n\ne\r\rf\n\rg"), "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf\r\n\r\ng");
  EXPECT_EQ(repaired("a\r"), "a\r\n");
  EXPECT_EQ(repaired("\n"), "\r\n");
}

TEST(LineRepair, TakesTheDotOfTransparencyBehindALineEndThatItMended) {
  EXPECT_EQ(repaired("a\n..b\n.\nc\r\n.d\r..\n"), "a\r\n.b\r\n\r\nc\r\n.d\r\n.\r\n");
  EXPECT_EQ(repaired("a\n..b", LineRepair::From::bdat), "a\r\n..b");
}

TEST(LineRepair, MeasuresTheLinesThatItMakes) {
  std::string out;
  LineRepair repair({.line = 1000});
  for (int i = 0; i < 100; ++i) repair.feed(std::string(1000, 'x') + '\n', LineRepair::From::data, out);
  EXPECT_FALSE(repair.line_too_long());
  EXPECT_EQ(repair.repaired(), 100u);
  repair.feed(std::string(1001, 'x'), LineRepair::From::data, out);
  EXPECT_TRUE(repair.line_too_long());
}

}  // namespace
}  // namespace postrider::wire::smtp
