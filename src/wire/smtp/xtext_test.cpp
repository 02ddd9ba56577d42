#include "wire/smtp/xtext.hpp"

#include <gtest/gtest.h>

#include <array>

namespace postrider::wire::smtp {
namespace {

TEST(Xtext, ReadsWhatItWrites) {
  const std::string all("a b+c=d\r\n\0~\xFF", 12);
  EXPECT_EQ(encode_xtext(all), "a+20b+2Bc+3Dd+0D+0A+00~+FF");
  EXPECT_EQ(decode_xtext("a+20b+2Bc+3Dd+0D+0A+00~+FF"), all);
  EXPECT_EQ(decode_xtext("+3d"), "=");
  EXPECT_EQ(decode_xtext(""), "");
}

TEST(Xtext, RefusesWhatItHasNot) {
  constexpr std::array<std::string_view, 9> kBad = {"+",   "+4",   "a+",       "+4g", "a=b",
                                                    "a b", "\x7f", "\xC3\xA9", "+-1"};
  for (const auto bad : kBad) EXPECT_FALSE(decode_xtext(bad)) << bad;
}

TEST(Utf8Address, DecodesEmbeddedCodePoints) {
  EXPECT_EQ(decode_utf8_address("j\\x{F3}se@x", false), "jóse@x");
  EXPECT_EQ(decode_utf8_address("\\x{2163}\\x{1f4a9}\\x{10FFFF}", false), "\u2163\U0001F4A9\U0010FFFF");
  EXPECT_EQ(decode_utf8_address("a\\x{2B}b\\x{3D}\\x{5C}", false), "a+b=\\");
  EXPECT_EQ(decode_utf8_address("josé@x", true), "josé@x");
}

TEST(Utf8Address, IsWrittenSoThatItIsReadBack) {
  const std::string address = "j\u00F3se+\\=\u2163\U0001F4A9@x y";
  EXPECT_EQ(encode_utf8_address(address, false),
            "j\\x{F3}se\\x{2B}\\x{5C}\\x{3D}\\x{2163}\\x{1F4A9}@x\\x{20}y");
  EXPECT_EQ(encode_utf8_address(address, true), "j\u00F3se\\x{2B}\\x{5C}\\x{3D}\u2163\U0001F4A9@x\\x{20}y");
  EXPECT_EQ(decode_utf8_address(encode_utf8_address(address, false), false), address);
  EXPECT_EQ(decode_utf8_address(encode_utf8_address(address, true), true), address);
}

TEST(Utf8Address, RefusesControlsSurrogatesAndUndecodedOctets) {
  constexpr std::array<std::string_view, 14> kBad = {
      "\\x{0D}", "\\x{7F}", "\\x{85}",      "\\x{D800}", "\\x{110000}", "\\x{}", "\\x{41",
      "\\x41",   "\\",      "\\x{1000000}", "a+b",       "a=b",         "a b",   "\\x{-1}"};
  for (const auto bad : kBad) EXPECT_FALSE(decode_utf8_address(bad, true)) << bad;
  EXPECT_FALSE(decode_utf8_address("josé@x", false));
  EXPECT_FALSE(decode_utf8_address("\xE9", true));
}

}  // namespace
}  // namespace postrider::wire::smtp
