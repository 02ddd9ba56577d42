#include "policy/content.hpp"

#include <gmock/gmock.h>

#include "policy/trace.hpp"

namespace postrider::policy {
namespace {

using testing::ElementsAre;

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }

mail::Envelope envelope_to(std::initializer_list<std::string_view> recipients) {
  mail::Envelope envelope;
  for (const auto text : recipients)
    envelope.recipients.push_back({.original = address("x@else.example"),
                                   .alias = {},
                                   .final = address(text),
                                   .orcpt = {},
                                   .notify = {},
                                   .last = {}});
  return envelope;
}

config::Config config_with(std::uint32_t received_fields) {
  config::Config config(*mail::Domain::parse("mx.example"));
  config.limits.received_fields = received_fields;
  return config;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Content, StopsAtTooManyHops) {
  const auto config = config_with(10);
  const auto envelope = envelope_to({"a@a.example", "b@a.example"});
  EXPECT_FALSE(judge_content(config, envelope, repeated("Received: x\r\n\ty; z\r\n", 10)).refusal);
  EXPECT_FALSE(judge_content(config, envelope, repeated("X-Received: x\r\nReceived-SPF: x\r\n", 99)).refusal);
  const auto verdict = judge_content(config, envelope, repeated("RECEIVED : x\r\n", 11));
  ASSERT_TRUE(verdict.refusal);
  EXPECT_EQ(*verdict.refusal, mail::reply(554, 4, 6, "too many hops: the mail goes in a circle"));
  EXPECT_THAT(verdict.recipients, ElementsAre(std::nullopt, std::nullopt));
}

TEST(Content, CountsTheFieldsOfTheHeaderOnly) {
  const auto verdict =
      judge_content(config_with(10), envelope_to({"a@a.example"}),
                    "Subject: x\r\n\r\n" + repeated("Received: x\r\n", 20) + "Delivered-To: a@a.example\r\n");
  EXPECT_FALSE(verdict.refusal);
  EXPECT_THAT(verdict.recipients, ElementsAre(std::nullopt));
}

TEST(Content, RefusesARecipientThatHasHadTheMail) {
  const auto envelope = envelope_to({"a@a.example", "b@a.example", "A+x@a.example"});
  const auto circle =
      mail::reply(554, 4, 6, "the mail has been delivered to this mailbox: it goes in a circle");
  const auto judged = [&](std::string_view header) {
    return judge_content(config_with(100), envelope, header).recipients;
  };
  EXPECT_THAT(judged("Delivered-To: B@A.example \r\nDelivered-To: <a@a.example>\r\n"),
              ElementsAre(std::nullopt, circle, std::nullopt));
  EXPECT_THAT(judged("delivered-to:\r\n\tb@a.example\r\nDelivered-To: a+x@a.example\r\n"),
              ElementsAre(std::nullopt, circle, circle));
  EXPECT_THAT(judged(delivered_to_field(address("b@a.example"))),
              ElementsAre(std::nullopt, circle, std::nullopt));
  EXPECT_THAT(judged("X-Delivered-To: b@a.example\r\nDelivered-To: c@a.example\r\n"),
              ElementsAre(std::nullopt, std::nullopt, std::nullopt));
  EXPECT_THAT(judged(""), ElementsAre(std::nullopt, std::nullopt, std::nullopt));
}

TEST(Content, FindsItsOwnDeliveredToWithALabels) {
  const auto verdict = judge_content(config_with(100), envelope_to({"a@bücher.example"}),
                                     delivered_to_field(address("A@xn--bcher-kva.example")));
  EXPECT_TRUE(verdict.recipients.at(0));
}

}  // namespace
}  // namespace postrider::policy
