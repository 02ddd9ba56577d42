#include "wire/dkim/body_hasher.hpp"

#include <gtest/gtest.h>

#include "wire/base64.hpp"

namespace postrider::wire::dkim {
namespace {

constexpr auto kSimple = Canonicalization::simple;
constexpr auto kRelaxed = Canonicalization::relaxed;

std::string base64(const BodyHash& hash) { return to_base64(octets(hash.digest)); }

// RFC 6376 3.4.3, 3.4.4 print these, of SHA-256.
TEST(DkimBodyHasher, OfAnEmptyBody) {
  BodyHasher bodies;
  EXPECT_TRUE(bodies.idle());
  const auto simple = bodies.want({kSimple, {}}), relaxed = bodies.want({kRelaxed, {}});
  EXPECT_FALSE(bodies.idle());
  bodies.finish();
  EXPECT_EQ(base64(bodies.hash(simple)), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(base64(bodies.hash(relaxed)), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(DkimBodyHasher, TakesEachFormOnce) {
  BodyHasher bodies;
  const auto first = bodies.want({kSimple, 5});
  EXPECT_NE(bodies.want({kSimple, {}}), first);
  EXPECT_NE(bodies.want({kRelaxed, 5}), first);
  EXPECT_NE(bodies.want({kSimple, 6}), first);
  EXPECT_EQ(bodies.want({kSimple, 5}), first);
}

// RFC 6376 3.5, l=
TEST(DkimBodyHasher, HashesAsFarAsTheLengthSays) {
  const std::string text = "ab  c\r\n\r\n\r\n";
  for (const std::size_t piece : {1, 2, 100}) {
    BodyHasher bodies;
    std::vector<std::size_t> numbers;
    for (const std::uint64_t length : {6, 0, 3, 7, 8}) numbers.push_back(bodies.want({kSimple, length}));
    const auto relaxed = bodies.want({kRelaxed, 4});
    for (std::size_t at = 0; at < text.size(); at += piece)
      bodies.feed(std::string_view(text).substr(at, piece));
    bodies.finish();
    const auto hash_of = [](std::string_view octets_before) {
      return to_base64(octets(sha256(octets_before)));
    };
    EXPECT_EQ(base64(bodies.hash(numbers[0])), hash_of("ab  c\r"));
    EXPECT_EQ(bodies.hash(numbers[0]).unsigned_octets, 1u);
    EXPECT_EQ(base64(bodies.hash(numbers[1])), hash_of(""));
    EXPECT_EQ(bodies.hash(numbers[1]).unsigned_octets, 7u);
    EXPECT_EQ(base64(bodies.hash(numbers[2])), hash_of("ab "));
    EXPECT_EQ(base64(bodies.hash(numbers[3])), hash_of("ab  c\r\n"));
    EXPECT_TRUE(bodies.hash(numbers[3]).whole);
    EXPECT_FALSE(bodies.hash(numbers[4]).whole);
    EXPECT_EQ(base64(bodies.hash(relaxed)), hash_of("ab c"));
    EXPECT_EQ(bodies.hash(relaxed).unsigned_octets, 2u);
  }
}

}  // namespace
}  // namespace postrider::wire::dkim
