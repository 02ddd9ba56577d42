#include "wire/arc/seal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/arc/validate.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::wire::arc {
namespace {

namespace testing = dkim::testing;
using ::testing::HasSubstr;

constexpr std::string_view kMessage =
    "From: Joe SixPack <joe@football.example.com>\r\nSubject: Is dinner ready?\r\n\r\nHi.\r\n";

KeyOf keys() {
  return [](const std::string& name) -> dkim::KeyAnswer {
    static const auto records = testing::records_of({testing::brisbane(), testing::test()});
    if (name == "broken._domainkey.football.example.com")
      return {dkim::KeyAnswer::Kind::unavailable, {}, "timeout"};
    const auto found = records.find(name);
    if (found == records.end()) return {};
    return {dkim::KeyAnswer::Kind::found, found->second, {}};
  };
}

Verdict validate(std::string_view message) {
  const auto [header, body] = testing::split(message);
  dkim::BodyHasher bodies;
  const auto pending = prepare_chain(dkim::HeaderIndex(header), bodies);
  bodies.feed(body);
  bodies.finish();
  return judge(pending, bodies, keys(), {});
}

Chain chain_of(std::string_view message) {
  return read_chain(dkim::HeaderIndex(testing::split(message).header));
}

// The message with one more set on top, or as it was.
std::string seal_on(const std::string& message, const dkim::SigningKey& key) {
  const auto [header, body] = testing::split(message);
  const dkim::HeaderIndex index(header);
  dkim::BodyHasher bodies;
  const auto number = bodies.want({dkim::Canonicalization::relaxed, {}});
  bodies.feed(body);
  bodies.finish();
  const auto status = validate(message).status;
  const auto set =
      seal(index, chain_of(message), bodies.hash(number).digest, key,
           {.results = {"mx.example.com", 1, {{.method = "arc", .result = std::string(to_string(status))}}},
            .chain = status,
            .fields = fields_to_seal(index),
            .now = base::UtcTime(std::chrono::seconds(12345))});
  return set ? set->seal + set->signature + set->results + message : message;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  text.replace(text.find(what), what.size(), with);
  return text;
}

TEST(ArcSeal, MakesChainsThatAreValid) {
  EXPECT_EQ(validate(kMessage).status, Status::none);
  std::string message = testing::signed_by(kMessage, {testing::test()});
  for (int hop = 0; hop < 5; ++hop) {
    message = seal_on("Received: hop\r\n" + message, hop % 2 == 0 ? testing::test() : testing::brisbane());
    const auto verdict = validate(message);
    EXPECT_EQ(verdict.status, Status::pass) << verdict.why;
  }
  const auto chain = chain_of(message);
  ASSERT_EQ(chain.sets.size(), 5u);
  EXPECT_EQ(chain.sets[0].results, " mx.example.com;\r\n\tarc=none");
  EXPECT_EQ(chain.sets[4].results, " mx.example.com;\r\n\tarc=pass");
  EXPECT_EQ(chain.sets[4].seal.chain, Status::pass);
  EXPECT_THAT(chain.sets[4].signature.fields, ::testing::Contains("DKIM-Signature"));
}

TEST(ArcSeal, IsWrittenInShortLines) {
  const std::string message = seal_on(std::string(kMessage), testing::brisbane());
  EXPECT_EQ(message.substr(0, 30), "ARC-Seal: a=ed25519-sha256; b=");
  EXPECT_THAT(message, HasSubstr(";\r\n\tcv=none; d=football.example.com; i=1; s=brisbane; t=12345\r\n"));
  EXPECT_THAT(message,
              HasSubstr("\r\nARC-Authentication-Results: i=1; mx.example.com;\r\n\tarc=none\r\nFrom:"));
  for (std::size_t at = 0, end = 0; (end = message.find("\r\n", at)) != std::string::npos; at = end + 2)
    EXPECT_LE(end - at, 78u);
}

// RFC 8617 5.2
TEST(ArcValidate, FailsWhatHasChanged) {
  const std::string one = seal_on(std::string(kMessage), testing::brisbane());
  const std::string two = seal_on(one, testing::test());
  EXPECT_THAT(validate(replaced(two, "Hi.", "Ho.")).why,
              HasSubstr("the message signature of i=2 by football.example.com: the body has changed"));
  EXPECT_THAT(validate(replaced(two, "ready", "over")).why,
              HasSubstr("the signed header fields have changed"));
  EXPECT_THAT(validate(replaced(two, "arc=none", "arc=pass")).why,
              HasSubstr("the seal of i=2 by football.example.com: the chain has changed"));
  EXPECT_EQ(validate(replaced(two, "cv=pass", "cv=none")).why, "the set of i=2 has cv=none");
  EXPECT_EQ(validate(replaced(one, "ARC-Message", "X-Message")).why, "the set of i=1 is not whole");
  EXPECT_EQ(validate(two.substr(two.find("ARC-Seal", 1))).status, Status::pass);
  EXPECT_EQ(validate(replaced(two, "i=2; mx", "i=7; mx")).why, "the set of i=2 is not whole");
  EXPECT_EQ(validate(replaced(two, "i=2; mx", "i=1; mx")).why,
            "ARC-Authentication-Results of i=1 stands twice");
  EXPECT_EQ(validate(replaced(two, "i=2; mx", "i=51; mx")).why,
            "ARC-Authentication-Results without an instance");
}

TEST(ArcValidate, TellsTroubleOfTheDns) {
  const std::string message = seal_on(std::string(kMessage), testing::brisbane());
  const auto broken = validate(replaced(message, "s=brisbane", "s=broken"));
  EXPECT_EQ(broken.status, Status::fail);
  EXPECT_TRUE(broken.temporary);
  EXPECT_FALSE(validate(replaced(message, "s=brisbane", "s=absent")).temporary);
}

// RFC 8617 5.1.2
TEST(ArcSeal, OfAChainThatFailedIsTheLast) {
  const std::string broken = replaced(seal_on(std::string(kMessage), testing::test()), "Hi.", "Ho.");
  const std::string sealed = seal_on(broken, testing::brisbane());
  EXPECT_THAT(sealed, HasSubstr("cv=fail; d=football.example.com; i=2;"));
  EXPECT_EQ(validate(sealed).why, "the set of i=2 has cv=fail");
  EXPECT_TRUE(chain_of(sealed).ends_in_fail);
  EXPECT_EQ(seal_on(sealed, testing::test()), sealed);
}

// RFC 8617 4.2.1
TEST(ArcSeal, EndsWithTheFiftiethSet) {
  std::string message(kMessage);
  for (std::size_t hop = 0; hop < kMaxSets; ++hop) message = seal_on(message, testing::brisbane());
  EXPECT_EQ(validate(message).status, Status::pass) << validate(message).why;
  EXPECT_EQ(seal_on(message, testing::brisbane()), message);
}

}  // namespace
}  // namespace postrider::wire::arc
