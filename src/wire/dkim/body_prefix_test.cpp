#include "wire/dkim/body_prefix.hpp"

#include <gtest/gtest.h>

#include "wire/dkim/body_hasher.hpp"

namespace postrider::wire::dkim {
namespace {

constexpr auto kSimple = Canonicalization::simple;
constexpr auto kRelaxed = Canonicalization::relaxed;

std::string hash_of(Canonicalization canonicalization, std::string_view body) {
  BodyHasher hasher;
  const auto number = hasher.want({canonicalization, {}});
  hasher.feed(body);
  hasher.finish();
  return std::string(octets(hasher.hash(number).digest));
}

// "SIGNED+APPENDED" octets, or "".
std::string found(Canonicalization canonicalization, std::string_view was, std::string_view is,
                  std::size_t piece = 7) {
  BodyPrefix prefix;
  const auto other = prefix.want(kSimple, "no hash");
  const auto number = prefix.want(canonicalization, hash_of(canonicalization, was));
  for (std::size_t at = 0; at < is.size(); at += piece) prefix.feed(is.substr(at, piece));
  prefix.finish();
  EXPECT_FALSE(prefix.found(other));
  const auto found = prefix.found(number);
  return found ? std::to_string(found->signed_octets) + '+' + std::to_string(found->appended_octets) : "";
}

TEST(DkimBodyPrefix, FindsWhereTheSignedBodyEnded) {
  for (const auto form : {kSimple, kRelaxed})
    for (std::size_t piece = 1; piece < 9; ++piece) {
      EXPECT_EQ(found(form, "Hi.\r\nJoe.\r\n", "Hi.\r\nJoe.\r\n-- \r\nlist\r\n", piece),
                form == kSimple ? "11+11" : "11+10");
      EXPECT_EQ(found(form, "Hi.\r\n\r\n\r\n", "Hi.\r\n\r\n\r\nlist\r\n", piece), "5+10");
    }
  EXPECT_EQ(found(kRelaxed, "a  b \r\n", "a b\r\nc\r\n"), "5+3");
  EXPECT_EQ(found(kRelaxed, "", "list\r\n"), "0+6");
  EXPECT_EQ(found(kSimple, "", "list\r\n"), "0+6");
}

TEST(DkimBodyPrefix, FindsNothingElse) {
  EXPECT_EQ(found(kSimple, "Hi.\r\n", "Hi.\r\n"), "");
  EXPECT_EQ(found(kSimple, "Hi.\r\n", "Hi.\r\n\r\n\r\n"), "");
  EXPECT_EQ(found(kSimple, "Hi.\r\n", "list\r\nHi.\r\n"), "");
  EXPECT_EQ(found(kSimple, "Hi.\r\nJoe.\r\n", "Hi.\r\n"), "");
  EXPECT_EQ(found(kSimple, "a  b\r\n", "a b\r\nc\r\n"), "");
}

TEST(DkimBodyPrefix, LooksAtSoManyLines) {
  std::string body;
  for (std::size_t line = 0; line < BodyPrefix::kMostLines; ++line) body += "x\r\n";
  EXPECT_EQ(found(kSimple, body, body + "list\r\n", 4096), "300000+6");
  body += "y\r\n";
  EXPECT_EQ(found(kSimple, body, body + "list\r\n", 4096), "");
}

}  // namespace
}  // namespace postrider::wire::dkim
