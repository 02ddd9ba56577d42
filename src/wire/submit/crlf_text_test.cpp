#include "wire/submit/crlf_text.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::submit {
namespace {

std::string repaired(std::string_view raw, LoneDot dot = LoneDot::is_text) {
  Intake whole(dot, 1000);
  whole.feed(raw);
  const std::string at_once = std::move(whole).finish().bytes();
  Intake pieces(dot, 1000);
  for (const char c : raw)
    if (!pieces.feed({&c, 1})) break;
  EXPECT_EQ(std::move(pieces).finish().bytes(), at_once) << "cut into octets";
  return at_once;
}

TEST(CrlfText, EndsEachLineWithCrlf) {
  EXPECT_EQ(repaired("a\nb\n"), "a\r\nb\r\n");
  EXPECT_EQ(repaired("a\r\nb\r\n"), "a\r\nb\r\n");
  EXPECT_EQ(repaired("a\r\nb\n\n"), "a\r\nb\r\n\r\n");
  EXPECT_EQ(repaired("a"), "a\r\n");
  EXPECT_EQ(repaired(""), "");
}

TEST(CrlfText, TakesCrsBeforeLfForOneEndAndOthersForOneEach) {
  EXPECT_EQ(repaired("a\r\r\nb\n"), "a\r\nb\r\n");
  EXPECT_EQ(repaired("10%\r20%\rdone\n"), "10%\r\n20%\r\ndone\r\n");
  EXPECT_EQ(repaired("a\r"), "a\r\n");
}

TEST(CrlfText, EndsAtALoneDotWhereThatIsWanted) {
  EXPECT_EQ(repaired("a\n.\nb\n", LoneDot::ends), "a\r\n");
  EXPECT_EQ(repaired("a\r\n.\r\nb\n", LoneDot::ends), "a\r\n");
  EXPECT_EQ(repaired(".\nb\n", LoneDot::ends), "");
  EXPECT_EQ(repaired("a\n.", LoneDot::ends), "a\r\n");
  EXPECT_EQ(repaired("a\n..\n.b\n", LoneDot::ends), "a\r\n..\r\n.b\r\n");
  EXPECT_EQ(repaired("a\n.\nb\n"), "a\r\n.\r\nb\r\n");
}

TEST(CrlfText, WantsNothingAfterTheEnd) {
  Intake intake(LoneDot::ends, 1000);
  EXPECT_TRUE(intake.feed("a\n"));
  EXPECT_FALSE(intake.feed(".\nb"));
  EXPECT_FALSE(intake.too_large());
}

TEST(CrlfText, IsBounded) {
  Intake fits(LoneDot::ends, 6);
  EXPECT_TRUE(fits.feed("ab\n"));
  EXPECT_TRUE(fits.feed("\n"));
  EXPECT_FALSE(fits.too_large());
  Intake intake(LoneDot::ends, 6);
  EXPECT_FALSE(intake.feed("abcdefg\n"));
  EXPECT_TRUE(intake.too_large());
  Intake crs(LoneDot::ends, 6);
  EXPECT_FALSE(crs.feed("\r\r\r\r"));
  EXPECT_TRUE(crs.too_large());
}

}  // namespace
}  // namespace postrider::wire::submit
