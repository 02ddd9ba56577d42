#include "wire/dkim/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/dkim/testing/trial.hpp"

namespace postrider::wire::dkim {
namespace {

using namespace testing;
using ::testing::ElementsAre;

constexpr auto kSimple = Canonicalization::simple;
constexpr auto kRelaxed = Canonicalization::relaxed;

Verdict verdict_of(const std::string& message, base::UtcTime now = {}) {
  return verify(message, records_of({brisbane()}), now).at(0);
}
std::string outcome(const std::string& message, base::UtcTime now = {}) {
  const auto verdict = verdict_of(message, now);
  return std::string(to_string(verdict.result)) + (verdict.why.empty() ? "" : ": ") + verdict.why;
}

TEST(DkimVerify, PassesWhatIsUnchanged) {
  const auto verdict = verdict_of(message_of({}));
  EXPECT_EQ(verdict.result, Result::pass) << verdict.why;
  EXPECT_EQ(verdict.key_bits, 256);
  EXPECT_EQ(verdict.record, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_FALSE(verdict.testing);
}

TEST(DkimVerify, FailsWhatHasChanged) {
  const std::string message = message_of({});
  const auto changed = [&](std::string_view what, std::string_view into) {
    std::string other = message;
    other.replace(other.find(what), what.size(), into);
    return outcome(other);
  };
  const std::string header_changed = "fail: the signed header fields have changed, or the key is another";
  EXPECT_EQ(changed("Hi.", "Ho."), "fail: the body has changed");
  EXPECT_EQ(changed("joe@", "jim@"), header_changed);
  EXPECT_EQ(changed("h=From", "h=From:From"), header_changed);
  EXPECT_EQ(verdict_of(message + "More.\r\n").fault, Fault::body_changed);
  EXPECT_EQ(verdict_of("From: more\r\n" + message).fault, Fault::none);
  EXPECT_EQ(changed("Subject", "Object"), "pass");
  EXPECT_EQ(changed("Hi.", "Hi. \t"), "pass");
}

// RFC 6376 5.4.2: from the bottom up, and what is absent is signed as absent
TEST(DkimVerify, ChoosesRepeatedFieldsFromTheBottom) {
  const std::string header = "From: a@example.com\r\nX: 1\r\nX: 2\r\nX: 3\r\n";
  const std::vector<std::string> names = {"x", "From", "X", "from", "absent", "x", "x"};
  EXPECT_EQ(HeaderIndex(header).chosen(names, kSimple), "X: 3\r\nFrom: a@example.com\r\nX: 2\r\nX: 1\r\n");
  EXPECT_EQ(HeaderIndex(header).count("X"), 3u);
  EXPECT_EQ(HeaderIndex(header).count("Y"), 0u);
  EXPECT_EQ(HeaderIndex("").chosen(names, kSimple), "");

  Forged forged{.tags = "v=1; d=football.example.com; s=brisbane; h=From:Cc:Cc"};
  const std::string message = message_of(forged);
  EXPECT_EQ(outcome(message), "pass");
  // h= has one Cc more than there were: none can be added, not even one that names nobody.
  std::string added = message;
  added.insert(added.find("From: "), "Cc: \r\n");
  EXPECT_THAT(outcome(added), ::testing::StartsWith("fail: the signed header"));
}

// RFC 6376 3.5, h=: other signatures may be signed, the own one is not among them.
TEST(DkimVerify, LeavesTheOwnFieldOutOfTheSignedOnes) {
  Forged forged{.tags = "v=1; d=football.example.com; s=brisbane; h=From:DKIM-Signature:DKIM-Signature"};
  EXPECT_EQ(outcome(message_of(forged)), "pass");
  forged.header = "DKIM-Signature: other\r\n" + forged.header;
  const auto verdicts = verify(message_of(forged), records_of({brisbane()}));
  EXPECT_THAT(results(verdicts), ElementsAre(Result::pass, Result::neutral));
}

// RFC 6376 3.5, l=
TEST(DkimVerify, SaysWhatTheLengthLeavesUnsigned) {
  Forged forged{
      .tags = "v=1; d=football.example.com; s=brisbane; h=From; l=3", .body = "Hi.\r\n", .hashed = "Hi."};
  const auto verdict = verdict_of(message_of(forged) + "And more.\r\n");
  EXPECT_EQ(verdict.result, Result::pass) << verdict.why;
  EXPECT_EQ(verdict.unsigned_octets, 13u);
  forged.tags += "00";
  EXPECT_EQ(outcome(message_of(forged)), "fail: the body is shorter than l= says");
  forged = {.tags = "v=1; d=football.example.com; s=brisbane; h=From; l=0", .hashed = ""};
  EXPECT_EQ(outcome(message_of(forged)), "pass");
}

TEST(DkimVerify, LetsSignaturesExpire) {
  const std::string message =
      message_of({.tags = "v=1; d=football.example.com; s=brisbane; h=From; t=1000; x=2000"});
  const base::UtcTime expiry(std::chrono::seconds(2000));
  EXPECT_EQ(outcome(message, expiry), "pass");
  EXPECT_EQ(outcome(message, expiry + std::chrono::minutes(5)), "pass");
  EXPECT_EQ(outcome(message, expiry + std::chrono::seconds(301)), "policy: the signature has expired");
  EXPECT_EQ(outcome(message, base::UtcTime(std::chrono::seconds(-1))), "pass");
}

TEST(DkimVerify, ObeysTheFlagsOfTheKey) {
  const std::string name = "brisbane._domainkey.football.example.com";
  const std::string record = "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const auto with = [&](std::string_view identity, std::string_view flags) {
    const Forged forged{.tags =
                            "v=1; d=football.example.com; s=brisbane; h=From; i=" + std::string(identity)};
    return verify(message_of(forged), {{name, {record + std::string(flags)}}}).at(0);
  };
  EXPECT_EQ(with("joe@sub.football.example.com", "").result, Result::pass);
  EXPECT_EQ(with("joe@football.example.com", "; t=s").result, Result::pass);
  const auto strict = with("joe@sub.football.example.com", "; t=s");
  EXPECT_EQ(strict.result, Result::permerror);
  EXPECT_EQ(strict.fault, Fault::identity);
  EXPECT_EQ(strict.why, "the key's t=s allows no subdomain in i=");
  EXPECT_TRUE(with("@football.example.com", "; t=y").testing);
  EXPECT_EQ(verify(message_of({}), {}).at(0).why, "there is no key");
}

// RFC 6376 6.1
TEST(DkimVerify, LooksAtSoManySignaturesFromTheTop) {
  std::string message = "From: a@example.com\r\n\r\n";
  for (std::size_t i = 0; i < kMaxSignatures + 3; ++i) message = "DKIM-Signature: a\r\n" + message;
  BodyHasher bodies;
  const auto prepared = prepare(HeaderIndex(split(message).header), bodies);
  EXPECT_EQ(prepared.signatures.size(), kMaxSignatures);
  EXPECT_EQ(prepared.left_out, 3u);
  EXPECT_TRUE(bodies.idle());
}

TEST(DkimVerify, FindsTheSameHoweverTheBodyIsCut) {
  const std::string message =
      signed_by("From: a@football.example.com\r\n\r\nLine  one \r\n\r\n\tLine two\r\n\r\n",
                {brisbane(), test()}, {.header = kRelaxed, .body = kRelaxed, .now = {}});
  for (std::size_t piece = 1; piece < 12; ++piece)
    EXPECT_THAT(results(verify(message, records_of({brisbane(), test()}), {}, piece)),
                ElementsAre(Result::pass, Result::pass));
}

}  // namespace
}  // namespace postrider::wire::dkim
