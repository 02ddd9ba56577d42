#include "wire/mime/date.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::mime {
namespace {

std::string utc(std::string_view raw) {
  const auto date = parse_date(raw);
  return date ? base::to_rfc3339(to_utc(*date)) : "none";
}

TEST(Dates, ReadsTheGrammar) {
  const auto date = parse_date(" Fri, 21 Nov 1997 09:55:06 -0630");
  ASSERT_TRUE(date);
  EXPECT_EQ(*date, (Date{1997, 11, 21, 9, 55, 6, -390, true}));
}

TEST(Dates, ConvertToUtc) {
  EXPECT_EQ(utc("Fri, 21 Nov 1997 09:55:06 -0600"), "1997-11-21T15:55:06.000Z");
  EXPECT_EQ(utc("1 Jan 2000 00:10 +0100"), "1999-12-31T23:10:00.000Z");
  EXPECT_EQ(utc("31 Dec 2016 23:59:60 +0000"), "2017-01-01T00:00:00.000Z");
}

TEST(Dates, ReadsYearsOfTwoAndThreeDigits) {
  EXPECT_EQ(utc("1 Jan 49 00:00 GMT"), "2049-01-01T00:00:00.000Z");
  EXPECT_EQ(utc("1 Jan 50 00:00 GMT"), "1950-01-01T00:00:00.000Z");
  EXPECT_EQ(utc("1 Jan 104 00:00 GMT"), "2004-01-01T00:00:00.000Z");
}

TEST(Dates, KnowsTheZonesByName) {
  EXPECT_EQ(utc("1 Jan 2000 12:00 EDT"), "2000-01-01T16:00:00.000Z");
  EXPECT_EQ(utc("1 Jan 2000 12:00 pst (x)"), "2000-01-01T20:00:00.000Z");
  EXPECT_TRUE(parse_date("1 Jan 2000 12:00 UT")->zone_known);
}

TEST(Dates, TellsWhenTheZoneIsUnknown) {
  for (const char* zone : {"-0000", "A", "CEST", ""}) {
    const auto date = parse_date(std::string("1 Jan 2000 12:00:00 ") + zone);
    ASSERT_TRUE(date) << zone;
    EXPECT_FALSE(date->zone_known) << zone;
    EXPECT_EQ(date->zone_minutes, 0) << zone;
  }
  EXPECT_TRUE(parse_date("1 Jan 2000 12:00:00 +0000")->zone_known);
}

TEST(Dates, SkipsFoldsAndCommentsBetweenAllParts) {
  EXPECT_EQ(utc("Thu (a (b) \\) c),\r\n 13 (x) Feb\r\n 1969 23 : 32\r\n -0330"), "1969-02-14T03:02:00.000Z");
}

TEST(Dates, ReadsTheDateOfAReceivedField) {
  EXPECT_EQ(utc("from a (b; c) by d;\r\n Mon, 10 Oct 2022 10:31:15 -0700 (PDT; x)"),
            "2022-10-10T17:31:15.000Z");
}

TEST(Dates, RefusesWhatIsOutOfRange) {
  for (const char* raw : {"31 Apr 2000 00:00 +0000", "29 Feb 2001 00:00 +0000", "0 Jan 2000 00:00 +0000",
                          "1 Jan 2000 24:00 +0000", "1 Jan 2000 00:60 +0000", "1 Jan 2000 00:00:61 +0000",
                          "1 Jan 2000 00:00 +0060", "1 Jan 1899 00:00 +0000", "1 Jan 20000 00:00 +0000",
                          "1 Jan 2000 00:00 +00000", "1 13 2000 00:00 +0000", "1 Jan 5 00:00 +0000",
                          "1 Jan 2000 00: +0000", "1 Jan 2000", "", "Mon,", "1 Janu 2000 00:00 +0000"}) {
    EXPECT_FALSE(parse_date(raw)) << raw;
  }
  EXPECT_TRUE(parse_date("29 Feb 2000 00:00 +9959"));
}

}  // namespace
}  // namespace postrider::wire::mime
