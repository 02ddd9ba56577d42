#include "wire/mime/name_addr.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/ascii.hpp"
#include "wire/mime/addresses.hpp"
#include "wire/mime/encoded_word.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::mime {
namespace {

constexpr std::size_t kColumn = 6;  // "From: "

TEST(NameAddr, TakesTheFirstFormThatHoldsTheName) {
  EXPECT_EQ(name_addr("", "a@b.test", kColumn), "<a@b.test>");
  EXPECT_EQ(name_addr("Here & Co", "a@b.test", kColumn), "Here & Co <a@b.test>");
  EXPECT_EQ(name_addr("Here, Inc.", "a@b.test", kColumn), "\"Here, Inc.\" <a@b.test>");
  EXPECT_EQ(name_addr("a \"b\" \\c", "a@b.test", kColumn), "\"a \\\"b\\\" \\\\c\" <a@b.test>");
  EXPECT_EQ(name_addr("Gr\xC3\xB6\xC3\x9F"
                      "e",
                      "a@b.test", kColumn),
            "=?utf-8?q?Gr=C3=B6=C3=9Fe?= <a@b.test>");
}

// RFC 2047 5: an encoded word within a quoted string must not be read as one, nor be made of what is none.
TEST(NameAddr, DoesNotLetANamePassForAnEncodedWord) {
  const std::string field = name_addr("=?utf-8?q?=3Cceo=40bank.test=3E?=", "a@b.test", kColumn);
  EXPECT_EQ(field, "\"=?utf-8?q?=3Cceo=40bank.test=3E?=\" <a@b.test>");
}

TEST(EncodedWords, HoldWholeCharactersWithinTheirLines) {
  std::string name;
  for (int i = 0; i < 40; ++i) name += "\xE6\xBC\xA2";
  const std::string words = encoded_words(name, 30);
  for (std::size_t at = 0, first = 30; at < words.size(); first = 0) {
    const std::size_t end = std::min(words.find("\r\n", at), words.size());
    EXPECT_LE(first + end - at, 76u);
    std::string_view word = base::trim(std::string_view(words).substr(at, end - at));
    const auto read = read_encoded_word(word);
    ASSERT_TRUE(read) << word;
    EXPECT_LE(read->size, 75u);
    EXPECT_TRUE(base::is_utf8(*decode(*read)));
    at = end + 2;
  }
  EXPECT_EQ(decode_unstructured(words), name);
}

// Whatever a name is, who reads the field finds just this address, and this name.
TEST(NameAddr, GivesOneAddressWithTheNameWhateverTheNameIs) {
  const std::vector<std::string> pieces = {
      "<eve@evil.test>",  ",", "\"", "\\", "(", ")", ":", ";", "@", "=?utf-8?q?x?=", "?=", "\xC3\xBC",
      "\xF0\x9F\x98\x80", ".", " b", "a",  "[", "]", "=", "_"};
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string name = "x";
    for (int i = 0; i < 12; ++i) name += pieces[random() % pieces.size()];
    name += "y";
    const std::string field = name_addr(name, "dmarc@here.test", kColumn);
    const AddressList read = parse_addresses(field);
    ASSERT_EQ(read.groups.size(), 1u) << field;
    ASSERT_FALSE(read.groups[0].name) << field;
    ASSERT_EQ(read.groups[0].mailboxes.size(), 1u) << field;
    EXPECT_EQ(read.groups[0].mailboxes[0].address, "dmarc@here.test") << field;
    // Readers undo what looks like an encoded word in a quoted string, too, though they should not.
    if (base::is_ascii(name) && name.contains("=?")) continue;
    EXPECT_EQ(read.groups[0].mailboxes[0].name, name) << field;
  }
}

}  // namespace
}  // namespace postrider::wire::mime
