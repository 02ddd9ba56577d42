#include "wire/base64.hpp"

#include <gtest/gtest.h>

namespace postrider::wire {
namespace {

using namespace std::string_view_literals;

// RFC 4648 10
TEST(Base64, WritesAndReadsTheExamples) {
  constexpr std::pair<std::string_view, std::string_view> kExamples[] = {{"", ""},
                                                                         {"f", "Zg=="},
                                                                         {"fo", "Zm8="},
                                                                         {"foo", "Zm9v"},
                                                                         {"foob", "Zm9vYg=="},
                                                                         {"fooba", "Zm9vYmE="},
                                                                         {"foobar", "Zm9vYmFy"},
                                                                         {"\0\xff\xfe"sv, "AP/+"}};
  for (const auto& [octets, text] : kExamples) {
    EXPECT_EQ(to_base64(octets), text);
    EXPECT_EQ(from_base64(text), octets);
  }
}

TEST(Base64, RefusesWhatIsNotItsOneSpelling) {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "====", "=", "Zm 9v", "Zm9v\n",
                           "Z=g=", "AP_-", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(text)) << text;
}

TEST(Base64, RefusesEveryOtherOctetWhereverItStands) {
  const std::string kText = "Zm9vYmFyYmFy";
  const std::string kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < kText.size(); ++at) {
    for (int octet = 0; octet < 256; ++octet) {
      std::string text = kText;
      text[at] = static_cast<char>(octet);
      if (octet == '=' && at + 1 == text.size()) continue;  // padding: the bits before it decide
      EXPECT_EQ(from_base64(text).has_value(), kLetters.contains(text[at])) << at << ' ' << octet;
    }
  }
}

TEST(Base64, ForTokensHasOtherLettersAndNoPadding) {
  EXPECT_EQ(to_base64url("\0\xff\xfe\xfd"sv), "AP_-_Q");
  EXPECT_EQ(from_base64url("AP_-_Q"), "\0\xff\xfe\xfd"sv);
  for (const auto* text : {"AP/+", "Zg==", "Z", "Zh"}) EXPECT_FALSE(from_base64url(text)) << text;
}

}  // namespace
}  // namespace postrider::wire
