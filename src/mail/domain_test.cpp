#include "mail/domain.hpp"

#include <gtest/gtest.h>

#include <array>

namespace postrider::mail {
namespace {

Domain domain(std::string_view text) { return Domain::parse(text).value(); }

std::string error(std::string_view text) {
  const auto parsed = Domain::parse(text);
  return parsed ? "accepted" : parsed.error().text;
}

std::string labels(std::size_t octets) {
  std::string text;
  while (text.size() < octets) text += text.size() % 2 ? '.' : 'a';
  return text;
}

TEST(Domain, ComparesInAnyCaseAndKeepsWhatWasWritten) {
  EXPECT_EQ(domain("Example.COM"), domain("example.com"));
  EXPECT_EQ(domain("Example.COM").ascii(), "example.com");
  EXPECT_EQ(domain("Example.COM").text(), "Example.COM");
  EXPECT_NE(domain("example.com"), domain("example.net"));
}

TEST(Domain, TakesULabelsAsTheirALabels) {
  EXPECT_EQ(domain("Ñandú.example").ascii(), "xn--and-6ma2c.example");
  EXPECT_EQ(domain("Ñandú.example").text(), "ñandú.example");
  EXPECT_EQ(domain("ñandú.example"), domain("XN--AND-6MA2C.example"));
  EXPECT_EQ(domain("fu\u00dfball.example").ascii(), "xn--fuball-cta.example");
  // "e" and a combining acute accent are the same letter as "é".
  EXPECT_EQ(domain("e\u0301.example"), domain("\u00e9.example"));
}

TEST(Domain, RefusesDisguisedAsciiAndFullWidthDots) {
  EXPECT_EQ(error("\uff41.example"), "Malformed domain: not an IDNA U-label");
  EXPECT_EQ(error("\u2163.example"), "Malformed domain: not an IDNA U-label");
  EXPECT_EQ(error("a\u3002b"), "Malformed domain: not an IDNA U-label");
  EXPECT_EQ(error("\u00f1\u3002b"), "Malformed domain: not an IDNA U-label");
  EXPECT_EQ(error("\U0001F4A9.example"), "Malformed domain: not an IDNA U-label");
  EXPECT_EQ(error("\xC3.example"), "Malformed domain: not UTF-8");
}

TEST(Domain, RefusesLabelsThatOnlyLookLikeALabels) {
  for (const auto* text :
       {"xn--a.example", "xn--dca.example", "xn--foo.xn--", "XN--ls8h.la", "xn--example-.com"})
    EXPECT_NE(error(text), "accepted") << text;
}

TEST(Domain, RefusesWhatIsNoHostName) {
  constexpr std::array<std::string_view, 13> kBad = {
      "", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "[1.2.3.4]", "a/b", "a\tb.example", "a@b"};
  for (const auto bad : kBad) EXPECT_NE(error(bad), "accepted") << bad;
  EXPECT_NE(error(std::string_view("a\0b", 3)), "accepted");
}

TEST(Domain, TakesLabelsOf63OctetsAndNamesOf255) {
  EXPECT_EQ(error(std::string(63, 'a') + ".b"), "accepted");
  EXPECT_EQ(error(std::string(64, 'a') + ".b"), "Domain label too long");
  EXPECT_EQ(error(labels(255)), "accepted");
  EXPECT_EQ(error("ab." + labels(253)), "Domain too long");
  EXPECT_EQ(error(labels(5001)), "Domain too long");
}

TEST(Domain, FailsPermanentlyWithBadSystemAddress) {
  EXPECT_EQ(Domain::parse("a..b").error().code, (base::EnhancedCode{5, 1, 2}));
}

TEST(Domain, IsWithinItselfAndItsParents) {
  EXPECT_TRUE(domain("mx.Example.com").is_within(domain("example.COM")));
  EXPECT_TRUE(domain("example.com").is_within(domain("example.com")));
  EXPECT_FALSE(domain("badexample.com").is_within(domain("example.com")));
  EXPECT_FALSE(domain("com").is_within(domain("example.com")));
}

}  // namespace
}  // namespace postrider::mail
