#include "wire/mime/content_type.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::mime {
namespace {

std::string value(std::string_view raw, std::string_view name) {
  const auto type = parse_content_type(raw);
  const Parameter* parameter = type ? type->find(name) : nullptr;
  return parameter ? parameter->value : "none";
}

TEST(ContentTypes, ReadTypeSubtypeAndParametersInAnyCase) {
  const auto type = parse_content_type(" Multipart/MIXED; Boundary=\"aB c\"; x=Y");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->type, "multipart");
  EXPECT_EQ(type->subtype, "mixed");
  const std::vector<Parameter> expected = {{"boundary", "aB c", ""}, {"x", "Y", ""}};
  EXPECT_EQ(type->parameters, expected);
  EXPECT_EQ(type->find("BOUNDARY")->value, "aB c");
  EXPECT_EQ(type->find("y"), nullptr);
  EXPECT_FALSE(type->truncated);
}

TEST(ContentTypes, EndUnquotedValuesAtCommentsAndWhiteSpace) {
  EXPECT_EQ(value("text/plain; charset=us-ascii(Plain)", "charset"), "us-ascii");
  EXPECT_EQ(value("text/plain; (c) charset (d) = (e) utf-8 (f); y=z", "charset"), "utf-8");
  EXPECT_EQ(value("text/plain; a=b c=d", "c"), "d");
}

TEST(ContentTypes, KeepAnEmptyQuotedValueAndDropAnEmptyOther) {
  EXPECT_EQ(value("a/b; n=\"\"", "n"), "");
  EXPECT_EQ(value("a/b; n=; m=1", "n"), "none");
}

TEST(ContentTypes, JoinPiecesByTheirNumbers) {
  EXPECT_EQ(value("a/b; n*2=c; n*0=a; n*10=d; n*1=b", "n"), "abcd");
  EXPECT_EQ(value("a/b; n*3=x", "n"), "x");
}

TEST(ContentTypes, CountANumberThatIsTooGreatAsZero) {
  EXPECT_EQ(value("a/b; n*1=b; n*99999=c; n*100000=a", "n"), "abc");
  EXPECT_EQ(value("a/b; n*1=b; n*99999999999999999999=a", "n"), "ab");
}

TEST(ContentTypes, ConvertACharacterThatTwoPiecesShare) {
  EXPECT_EQ(value("a/b; n*0*=utf-8''x%C3; n*1*=%A4y", "n"), "x\xC3\xA4y");
}

TEST(ContentTypes, DecodeCharsetAndLanguageOfAValue) {
  const auto type = parse_content_type("a/b; n*=iso-8859-1'de'%E4%zz%");
  ASSERT_TRUE(type);
  EXPECT_EQ(*type->find("n"), (Parameter{"n", "\xC3\xA4%zz%", "de"}));
  EXPECT_EQ(value("a/b; n*=no-such''%41%FF", "n"), "A\xEF\xBF\xBD");
}

TEST(ContentTypes, KeepAnApostropheInALaterPiece) {
  EXPECT_EQ(value("a/b; n*0*=utf-8''it; n*1*=isn't", "n"), "itisn't");
}

TEST(ContentTypes, LetNoLineEndInThroughPercentSigns) {
  EXPECT_EQ(value("a/b; n*=utf-8''a%0D%0Ab", "n"), "a  b");
}

TEST(ContentTypes, AreNothingWithoutAType) {
  for (const char* raw : {"", " ", "/x", ";a=b", "(text)/plain"})
    EXPECT_FALSE(parse_content_type(raw)) << raw;
}

TEST(ContentTypes, StopAtTheLimitOfPieces) {
  std::string raw = "a/b";
  for (std::size_t i = 0; i < kMaxParameterPieces + 1; ++i) raw += ";p" + std::to_string(i) + "=v";
  const auto type = parse_content_type(raw);
  ASSERT_TRUE(type);
  EXPECT_TRUE(type->truncated);
  EXPECT_EQ(type->parameters.size(), kMaxParameterPieces);
}

}  // namespace
}  // namespace postrider::wire::mime
