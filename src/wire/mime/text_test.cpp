#include "wire/mime/text.hpp"

#include <gtest/gtest.h>

#include "wire/mime/charset.hpp"
#include "wire/mime/encoded_word.hpp"
#include "wire/mime/message_ids.hpp"

namespace postrider::wire::mime {
namespace {

TEST(Text, UndoesFoldsAndKeepsOtherWhiteSpace) {
  EXPECT_EQ(decode_unstructured("  a \r\n\t b  c\td \r\n "), "a b  c\td");
}

TEST(Text, DropsWhiteSpaceBetweenEncodedWordsOnly) {
  EXPECT_EQ(decode_unstructured("=?utf-8?q?a?= \r\n =?utf-8?q?b?=  c =?utf-8?q?d?="), "ab  c d");
}

TEST(Text, LeavesWhatIsNoEncodedWord) {
  for (const char* text : {"=?utf-8?x?a?=", "=?utf-8?q?a?", "=??q?a?=", "=?utf-8?q?a",
                           "=?utf-8?qq?a?=", "=?no-such?q?a?=", "=?u tf?q?a?=", "=?"}) {
    EXPECT_EQ(decode_unstructured(text), text);
  }
  const std::string long_name = "=?" + std::string(65, 'a') + "?q?a?=";
  EXPECT_EQ(decode_unstructured(long_name), long_name);
}

TEST(Text, DecodesBothEncodingsInEitherCase) {
  EXPECT_EQ(decode_unstructured("=?UTF-8?Q?=c3=A4_=3D=zz=?="), "\xC3\xA4 ==zz=");
  EXPECT_EQ(decode_unstructured("=?utf-8?b?w6Q=?="), "\xC3\xA4");
  EXPECT_EQ(decode_unstructured("=?utf-8?B?aGk?="), "hi");
}

TEST(Text, DropsTheLanguageOfAnEncodedWord) { EXPECT_EQ(decode_unstructured("=?us-ascii*en?q?a?="), "a"); }

TEST(Text, LetsNoLineEndInThroughAnEncodedWord) {
  EXPECT_EQ(decode_unstructured("=?utf-8?q?a=0D=0ABcc:_x=00?="), "a  Bcc: x ");
}

TEST(Text, IsAlwaysUtf8) {
  EXPECT_EQ(decode_unstructured("a\xFF"), "a\xEF\xBF\xBD");
  EXPECT_EQ(decode_unstructured("=?utf-8?q?=FF?="), "\xEF\xBF\xBD");
}

TEST(Text, DecodesNoMoreWordsThanTheLimit) {
  std::string raw;
  for (std::size_t i = 0; i < kMaxEncodedWords + 1; ++i) raw += " =?utf-8?q?a?=";
  EXPECT_EQ(decode_unstructured(raw), std::string(kMaxEncodedWords, 'a') + " =?utf-8?q?a?=");
}

TEST(Text, ListsAreCutAtCommasOutsideOfQuotationMarks) {
  const std::vector<std::string> expected = {"a, \"b", "c", "5\" pipe", "d"};
  EXPECT_EQ(decode_list("\"a, \\\"b\", c,, 5\" pipe, d ,"), expected);
}

TEST(Text, ListsStopAtTheLimit) {
  std::string raw;
  for (std::size_t i = 0; i < kMaxListItems + 5; ++i) raw += "a,";
  EXPECT_EQ(decode_list(raw).size(), kMaxListItems);
}

TEST(Charset, ConvertsTheOnesOfTheList) {
  EXPECT_EQ(to_utf8("\xE4", "ISO-8859-1"), "\xC3\xA4");
  EXPECT_EQ(to_utf8("\x80", "windows-1252"), "\xE2\x82\xAC");
  EXPECT_EQ(to_utf8("\x1B$B8=\x1B(B", "iso-2022-jp"), "\xE7\x8F\xBE");
  EXPECT_EQ(to_utf8("\x81", "shift_jis"), "\xEF\xBF\xBD");
  EXPECT_EQ(to_utf8("a\x81"
                    "b",
                    "windows-1252"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(to_utf8(std::string(5000, '\xE4'), "iso-8859-15")->size(), 10000u);
}

TEST(Charset, LosesNoLetterThatWaitsForItsAccent) {
  EXPECT_EQ(to_utf8("a", "windows-1258"), "a");
  EXPECT_EQ(to_utf8("a\xEC", "windows-1258"), "\xC3\xA1");
}

TEST(Charset, RefusesTheOthers) {
  for (const char* name : {"", "iso-2022-cn-ext", "utf-8//IGNORE", "UTF-16", "../x"}) {
    EXPECT_FALSE(to_utf8("a", name)) << name;
  }
}

TEST(Charset, RepairsOnlyWhatIsBroken) {
  EXPECT_EQ(repair_utf8("\xC3\xA4\xC3(\xF0\x9F\x98\x80\xED\xA0\x80"),
            "\xC3\xA4\xEF\xBF\xBD(\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(EncodedWord, SaysHowLongItIs) {
  const auto word = read_encoded_word("=?utf-8*de?B?YQ==?= tail");
  ASSERT_TRUE(word);
  EXPECT_EQ(word->charset, "utf-8");
  EXPECT_EQ(word->encoding, 'b');
  EXPECT_EQ(word->text, "YQ==");
  EXPECT_EQ(word->size, 19u);
  EXPECT_EQ(decode(*word), "a");
}

TEST(MessageIds, AreReadBetweenPhrasesAndComments) {
  const std::vector<std::string> expected = {"a@x", "b@y", "c@z"};
  EXPECT_EQ(parse_message_ids(" Your mail (of <no@w>) \"<no@w>\" <a@x>\r\n <b@\r\n y><> <c@z"), expected);
  EXPECT_TRUE(parse_message_ids("your message of today").empty());
  EXPECT_TRUE(parse_message_ids("").empty());
}

TEST(MessageIds, StopAtTheLimit) {
  std::string raw;
  for (std::size_t i = 0; i < kMaxMessageIds + 5; ++i) raw += "<a@b>";
  EXPECT_EQ(parse_message_ids(raw).size(), kMaxMessageIds);
}

}  // namespace
}  // namespace postrider::wire::mime
