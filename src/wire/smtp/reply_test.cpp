#include "wire/smtp/reply.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace postrider::wire::smtp {
namespace {

std::string encoded(const mail::Reply& reply) {
  std::string out;
  encode(reply, out);
  return out;
}

// The reply that these lines make; nothing where they are bad or not whole.
std::optional<mail::Reply> parsed(const std::vector<std::string>& lines) {
  ReplyParser parser;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (parser.feed(lines[i]) != (i + 1 == lines.size())) return {};
    if (parser.bad()) return {};
  }
  return parser.take();
}

TEST(Reply, IsEncodedWithItsEnhancedCodeOnEachLine) {
  EXPECT_EQ(encoded(mail::reply(250, 1, 5, "fine")), "250 2.1.5 fine\r\n");
  EXPECT_EQ(encoded(mail::plain_reply(250, "mx\nPIPELINING\nHELP")),
            "250-mx\r\n250-PIPELINING\r\n250 HELP\r\n");
  EXPECT_EQ(encoded(mail::reply(550, 7, 1, "no\n\nreally")),
            "550-5.7.1 no\r\n550-5.7.1\r\n550 5.7.1 really\r\n");
  EXPECT_EQ(encoded(mail::plain_reply(354, "")), "354 \r\n");
}

TEST(Reply, CannotBeMadeToForgeALine) {
  EXPECT_EQ(encoded(mail::plain_reply(250, "a\r250 b\x01\x7f\t.")), "250 a?250 b??\t.\r\n");
  EXPECT_EQ(encoded(mail::plain_reply(250, std::string("a\0b", 3))), "250 a?b\r\n");
  EXPECT_EQ(encoded(mail::plain_reply(250, "\xE9")), "250 ?\r\n");
}

TEST(Reply, IsCutTo512Octets) {
  const auto line = encoded(mail::reply(550, 1, 1, std::string(600, 'x')));
  EXPECT_EQ(line, "550 5.1.1 " + std::string(500, 'x') + "\r\n");
  // 499 + 2: the two octets of "é" don't both fit.
  EXPECT_EQ(encoded(mail::reply(550, 1, 1, std::string(499, 'x') + "éé")),
            "550 5.1.1 " + std::string(499, 'x') + "\r\n");
  EXPECT_EQ(encoded(mail::reply(550, 1, 1, std::string(498, 'x') + "éé")),
            "550 5.1.1 " + std::string(498, 'x') + "é\r\n");
}

TEST(ReplyParser, ReadsOneAndManyLines) {
  EXPECT_EQ(parsed({"250 2.1.5 fine"}), mail::reply(250, 1, 5, "fine"));
  EXPECT_EQ(parsed({"250-mx hello", "250-PIPELINING", "250 SIZE 1000"}),
            mail::plain_reply(250, "mx hello\nPIPELINING\nSIZE 1000"));
  EXPECT_EQ(parsed({"550-5.7.1 no", "550-5.7.1", "550 5.7.1  really"}),
            mail::reply(550, 7, 1, "no\n\n really"));
  EXPECT_EQ(parsed({"354"}), mail::plain_reply(354, ""));
  EXPECT_EQ(parsed({"354 "}), mail::plain_reply(354, ""));
}

TEST(ReplyParser, TakesNoEnhancedCodeOfAnotherClass) {
  EXPECT_EQ(parsed({"450 5.1.1 no"}), mail::plain_reply(450, "5.1.1 no"));
  EXPECT_EQ(parsed({"250 2.1 x"}), mail::plain_reply(250, "2.1 x"));
  EXPECT_EQ(parsed({"550-5.1.1 a", "550 5.7.1 b"}), mail::reply(550, 1, 1, "a\n5.7.1 b"));
}

TEST(ReplyParser, IsReadyForTheNextReply) {
  ReplyParser parser;
  EXPECT_TRUE(parser.feed("250 2.0.0 one"));
  parser.take();
  EXPECT_TRUE(parser.feed("354 two"));
  EXPECT_EQ(parser.take(), mail::plain_reply(354, "two"));
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  for (const auto* bad : {"", "25", "x50 a", "150 a", "650 a", "260 a", "25x a", "250+a", "2500", " 250 a"}) {
    ReplyParser parser;
    EXPECT_FALSE(parser.feed(bad)) << bad;
    EXPECT_TRUE(parser.bad()) << bad;
    EXPECT_FALSE(parser.feed("250 fine"));
  }
  EXPECT_FALSE(parsed({"250-a", "251 b"}));
  EXPECT_FALSE(parsed({"250 " + std::string(2045, 'x')}));
  EXPECT_TRUE(parsed({"250 " + std::string(2044, 'x')}));
  std::vector<std::string> lines(100, "250-x");
  lines.back() = "250 x";
  EXPECT_TRUE(parsed(lines));
  lines.insert(lines.begin(), "250-x");
  EXPECT_FALSE(parsed(lines));
}

TEST(ReplyParser, LetsNoControlCharacterThrough) {
  EXPECT_EQ(parsed({"250 a\x1b[2J\xE9"}), mail::plain_reply(250, "a?[2J?"));
}

}  // namespace
}  // namespace postrider::wire::smtp
