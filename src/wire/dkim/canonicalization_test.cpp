#include "wire/dkim/canonicalization.hpp"

#include <gtest/gtest.h>

#include "base/ascii.hpp"

namespace postrider::wire::dkim {
namespace {

constexpr auto kSimple = Canonicalization::simple;
constexpr auto kRelaxed = Canonicalization::relaxed;

std::string canonical(Canonicalization canonicalization, std::string_view field) {
  std::string out;
  append_canonical(canonicalization, field, out);
  return out;
}

std::string body(Canonicalization canonicalization, std::string_view text, std::size_t piece = 1u << 20) {
  std::string out;
  BodyCanonicalizer canonicalizer(canonicalization, [&out](std::string_view octets) { out += octets; });
  for (std::size_t at = 0; at < text.size(); at += piece) canonicalizer.feed(text.substr(at, piece));
  canonicalizer.finish();
  return out;
}

// RFC 6376 3.4.5
TEST(DkimCanonicalization, OfTheExampleInTheRfc) {
  EXPECT_EQ(canonical(kRelaxed, "A: X\r\n"), "a:X\r\n");
  EXPECT_EQ(canonical(kRelaxed, "B : Y\t\r\n\tZ  \r\n"), "b:Y Z\r\n");
  EXPECT_EQ(body(kRelaxed, " C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(canonical(kSimple, "A: X\r\n"), "A: X\r\n");
  EXPECT_EQ(canonical(kSimple, "B : Y\t\r\n\tZ  \r\n"), "B : Y\t\r\n\tZ  \r\n");
  EXPECT_EQ(body(kSimple, " C \r\nD \t E\r\n\r\n\r\n"), " C \r\nD \t E\r\n");
}

TEST(DkimCanonicalization, OfAFieldWithoutItsCrlfOrWithoutAValue) {
  EXPECT_EQ(canonical(kSimple, "Subject: x"), "Subject: x\r\n");
  EXPECT_EQ(canonical(kRelaxed, "Subject:  x "), "subject:x\r\n");
  EXPECT_EQ(canonical(kRelaxed, "Subject:\r\n"), "subject:\r\n");
  EXPECT_EQ(canonical(kRelaxed, "Subject: \r\n \r\n"), "subject:\r\n");
  EXPECT_EQ(canonical(kRelaxed, "X-\xc3\x84: \xc3\x84\r\n"), "x-\xc3\x84:\xc3\x84\r\n");
}

TEST(DkimCanonicalization, EmptiesOnlyTheTagBOfASignature) {
  const auto emptied = [](Canonicalization canonicalization, std::string_view field) {
    std::string out;
    append_unsigned(canonicalization, field, out);
    return out;
  };
  EXPECT_EQ(emptied(kSimple, "DKIM-Signature: b=ab\r\n cd ; bh=xx;\r\n"), "DKIM-Signature: b=; bh=xx;");
  EXPECT_EQ(emptied(kSimple, "DKIM-Signature: bh=xx;\r\n b = ab\r\n cd\r\n"),
            "DKIM-Signature: bh=xx;\r\n b =");
  EXPECT_EQ(emptied(kRelaxed, "DKIM-Signature: bh=xx;\r\n b = ab\r\n cd\r\n"), "dkim-signature:bh=xx; b =");
  EXPECT_EQ(emptied(kSimple, "DKIM-Signature: bh=b=b\r\n"), "DKIM-Signature: bh=b=b");
}

// RFC 6376 3.4.3
TEST(DkimCanonicalization, SimpleDropsOnlyEmptyLinesAtTheEnd) {
  EXPECT_EQ(body(kSimple, ""), "\r\n");
  EXPECT_EQ(body(kSimple, "\r\n\r\n\r\n"), "\r\n");
  EXPECT_EQ(body(kSimple, "a"), "a\r\n");
  EXPECT_EQ(body(kSimple, "\r\n\r\na\r\n\r\nb\r\n\r\n"), "\r\n\r\na\r\n\r\nb\r\n");
  EXPECT_EQ(body(kSimple, "a \t\r\n \r\n"), "a \t\r\n \r\n");
}

// RFC 6376 3.4.4
TEST(DkimCanonicalization, RelaxedReducesWhiteSpaceAndMayLeaveNothing) {
  EXPECT_EQ(body(kRelaxed, ""), "");
  EXPECT_EQ(body(kRelaxed, "\r\n\r\n"), "");
  EXPECT_EQ(body(kRelaxed, " \t\r\n \r\n  "), "");
  EXPECT_EQ(body(kRelaxed, "a"), "a\r\n");
  EXPECT_EQ(body(kRelaxed, "a  \r\n \t \r\nb\t\tc \t"), "a\r\n\r\nb c\r\n");
  EXPECT_EQ(body(kRelaxed, "\ta\r\n"), " a\r\n");
}

// Neither can come from SMTP.
TEST(DkimCanonicalization, KeepsCrAndLfThatAreNoLineEnd) {
  EXPECT_EQ(body(kSimple, "a\r"), "a\r\r\n");
  EXPECT_EQ(body(kSimple, "a\r\n\r"), "a\r\n\r\r\n");
  EXPECT_EQ(body(kSimple, "a\n\r\n"), "a\n\r\n");
  EXPECT_EQ(body(kRelaxed, "a \r"), "a \r\r\n");
  EXPECT_EQ(body(kRelaxed, "a \rb \n"), "a \rb \n\r\n");
  EXPECT_EQ(body(kRelaxed, "a \r \r\n"), "a \r\r\n");
}

// The plain way, to compare with.
std::string relaxed_octet_by_octet(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!base::is_wsp(text[i])) {
      out += text[i];
      continue;
    }
    while (i + 1 < text.size() && base::is_wsp(text[i + 1])) ++i;
    if (i + 1 < text.size() && text.substr(i + 1, 2) != "\r\n") out += ' ';
  }
  while (out.ends_with("\r\n\r\n")) out.resize(out.size() - 2);
  if (out == "\r\n") return {};
  return out.empty() || out.ends_with("\r\n") ? out : out + "\r\n";
}

// All texts of six of these, behind so much text that they stand at the ends of blocks.
TEST(DkimCanonicalization, IsTheSameHoweverTheBodyIsCut) {
  constexpr std::string_view kAlphabet = " \t\r\na";
  for (int number = 0; number < 5 * 5 * 5 * 5 * 5 * 5; ++number) {
    std::string text(std::size_t{58} + number % 8, 'x');
    for (int i = 0, rest = number; i < 6; ++i, rest /= 5)
      text += kAlphabet[static_cast<std::size_t>(rest % 5)];
    for (const std::size_t behind : {0, 70}) {
      text.append(behind, 'y');
      const std::string relaxed = body(kRelaxed, text);
      ASSERT_EQ(relaxed, relaxed_octet_by_octet(text)) << number;
      const std::string simple = body(kSimple, text);
      for (const std::size_t piece : {1, 2, 3, 61}) {
        ASSERT_EQ(body(kRelaxed, text, piece), relaxed) << number;
        ASSERT_EQ(body(kSimple, text, piece), simple) << number;
      }
    }
  }
}

TEST(DkimCanonicalization, CountsEmptyLinesInsteadOfKeepingThem) {
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += "\r\n";
  for (const auto canonicalization : {kSimple, kRelaxed}) {
    EXPECT_EQ(body(canonicalization, "a\r\n" + lines), "a\r\n");
    EXPECT_EQ(body(canonicalization, lines + "a\r\n", 999), lines + "a\r\n");
  }
}

}  // namespace
}  // namespace postrider::wire::dkim
