#include "base/ascii.hpp"

#include <gtest/gtest.h>

#include <array>

namespace postrider::base {
namespace {

TEST(Ascii, FoldsCaseOfAsciiLettersOnly) {
  EXPECT_EQ(lower("MAIL From:<Ä@B>"), "mail from:<Ä@b>");
  EXPECT_EQ(upper("ehlo 1z{"), "EHLO 1Z{");
  EXPECT_TRUE(iequals("StartTLS", "STARTTLS"));
  EXPECT_FALSE(iequals("@", "`"));  // 32 apart like letters, but no letters
  EXPECT_FALSE(iequals("quit", "quit "));
  EXPECT_TRUE(istarts_with("from:<>", "FROM:"));
  EXPECT_FALSE(istarts_with("FRO", "FROM:"));
}

TEST(Ascii, TrimsSpacesAndTabsOnly) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim("\r\n"), "\r\n");
}

TEST(Ascii, PrintsOneLineOfWhatItIs) {
  EXPECT_EQ(printable("a b~"), "a b~");
  EXPECT_EQ(printable("one\ntwo\r\x7f\xc3\xbc"), "one two????");
}

TEST(Ascii, TellsUtf8) {
  for (const std::string_view good : {"", "abc", "\u00e9", "\u2163", "\U0001F4A9", "\U0010FFFF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  EXPECT_TRUE(is_ascii("abc\x7f"));
  EXPECT_FALSE(is_ascii("\u00e9"));
}

TEST(Ascii, RefusesOverlongFormsSurrogatesAndHalfCharacters) {
  constexpr std::array<std::string_view, 10> kBad = {"\x80",
                                                     "\xC3",
                                                     "\xC3(",
                                                     "\xC0\xAF",
                                                     "\xE0\x80\xAF",
                                                     "\xED\xA0\x80",
                                                     "\xE2\x85",
                                                     "\xF0\x80\x80\xAF",
                                                     "\xF4\x90\x80\x80",
                                                     "\xFF"};
  for (const auto bad : kBad) EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
}

}  // namespace
}  // namespace postrider::base
