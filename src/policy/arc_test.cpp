#include "policy/arc.hpp"

#include <gtest/gtest.h>

#include "policy/dkim.hpp"
#include "wire/arc/seal.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::policy {
namespace {

using namespace wire::dkim::testing;

constexpr std::string_view kMessage = "From: joe@football.example.com\r\n\r\nHi.\r\n";

// Signed and sealed by two keys.
std::string sealed_message() {
  const std::string message = signed_by(kMessage, {test()});
  const auto [header, body] = split(message);
  wire::dkim::BodyHasher bodies;
  const auto number = bodies.want({wire::dkim::Canonicalization::relaxed, {}});
  bodies.feed(body);
  bodies.finish();
  const wire::dkim::HeaderIndex index(header);
  const auto set = seal(index, wire::arc::read_chain(index), bodies.hash(number).digest, brisbane(),
                        {.results = {"mx.example.com", 1, {{.method = "dkim", .result = "pass"}}},
                         .chain = wire::arc::Status::none,
                         .fields = {"From"},
                         .now = {}});
  return set->seal + set->signature + set->results + message;
}

// DKIM and ARC beside each other: one pass over the body, each question once.
TEST(PolicyArc, SaysWhoPassedItOnAndWhatHeSaw) {
  const std::string message = sealed_message();
  const auto [header, body] = split(message);
  wire::dkim::BodyHasher bodies;
  const wire::dkim::HeaderIndex index(header);
  DkimCheck dkim(index, bodies);
  ArcCheck arc(index, bodies);
  bodies.feed(body);
  bodies.finish();
  Lookups lookups;
  EXPECT_FALSE(dkim.go_on(lookups));
  EXPECT_FALSE(arc.go_on(lookups));
  const auto records = records_of({brisbane(), test()});
  const auto wanted = lookups.take_wanted();
  EXPECT_EQ(wanted.size(), 2u);
  for (const Question& question : wanted)
    lookups.answer(question, TextAnswer(sys::dns::Answer<std::string>{records.at(question.name), {}, false}));
  EXPECT_TRUE(dkim.go_on(lookups) && arc.go_on(lookups));
  EXPECT_TRUE(dkim.results(bodies, {}).at(0).passed());
  const ArcResult result = arc.result(bodies, {});
  EXPECT_TRUE(result.passed()) << result.verdict.why;
  ASSERT_EQ(result.hops.size(), 1u);
  EXPECT_EQ(result.hops[0].domain, "football.example.com");
  EXPECT_EQ(wire::authres::parse(result.hops[0].results)->authserv_id, "mx.example.com");
  EXPECT_EQ(arc.chain().highest, 1u);
  EXPECT_EQ(method_result(result), (wire::authres::MethodResult{"arc", 1, "pass", "", "", {}}));
}

TEST(PolicyArc, FailsWithoutAnAnswer) {
  const std::string message = sealed_message();
  wire::dkim::BodyHasher bodies;
  const ArcCheck arc(wire::dkim::HeaderIndex(split(message).header), bodies);
  bodies.finish();
  const ArcResult result = arc.result(bodies, {});
  EXPECT_EQ(result.verdict.status, wire::arc::Status::fail);
  EXPECT_TRUE(result.verdict.temporary);
  EXPECT_EQ(
      method_result(result).reason,
      "the message signature of i=1 by football.example.com: the key could not be looked up: no answer");
}

}  // namespace
}  // namespace postrider::policy
