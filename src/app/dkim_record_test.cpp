#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/dkim_tools.hpp"

namespace postrider::app {
namespace {

using ::testing::HasSubstr;
using State = InDns::State;
using wire::dkim::KeyAnswer;
using wire::dkim::KeyType;

wire::dkim::PrivateKey key(KeyType type) {
  return wire::dkim::PrivateKey::from_pem(wire::dkim::make_key(type)).value();
}

InDns judged(const std::vector<std::string>& records, const wire::dkim::PrivateKey& its) {
  return judge_record({KeyAnswer::Kind::found, records, {}}, its);
}

TEST(DkimRecord, StandsInStringsThatTheDnsTakes) {
  EXPECT_EQ(zone_line("a._domainkey.example.com", "v=DKIM1; p=x"),
            "a._domainkey.example.com. IN TXT \"v=DKIM1; p=x\"");
  const std::string text(255, 'a');
  EXPECT_EQ(zone_line("n", text), "n. IN TXT \"" + text + '"');
  EXPECT_EQ(zone_line("n", text + text + "b"), "n. IN TXT \"" + text + "\" \"" + text + "\" \"b\"");
}

TEST(DkimRecord, IsRightWhereItHasTheKeyHoweverItIsWritten) {
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    const auto one = key(type);
    const std::string text = record_text(one);
    EXPECT_EQ(judged({text}, one).state, State::right);
    EXPECT_EQ(judged({"a wildcard's record", text + ";"}, one).state, State::right);
    const auto testing = judged({text + "; t=y"}, one);
    EXPECT_EQ(testing.state, State::right);
    EXPECT_THAT(testing.words, HasSubstr("only a test"));
  }
}

TEST(DkimRecord, IsWrongInManyWays) {
  const auto one = key(KeyType::ed25519), other = key(KeyType::ed25519);
  EXPECT_EQ(judged({record_text(other)}, one).words, "the DNS has another key there");
  for (const auto& records : std::vector<std::vector<std::string>>{{"v=spf1 -all"},
                                                                   {"v=DKIM1; k=ed25519; p="},
                                                                   {record_text(one), record_text(other)},
                                                                   {record_text(key(KeyType::rsa))}})
    EXPECT_EQ(judged(records, one).state, State::other) << records.front();
  EXPECT_EQ(judge_record({KeyAnswer::Kind::absent, {}, {}}, one).state, State::missing);
  const auto unknown = judge_record({KeyAnswer::Kind::unavailable, {}, "timeout"}, one);
  EXPECT_EQ(unknown.state, State::unknown);
  EXPECT_EQ(unknown.words, "the DNS does not say: timeout");
}

}  // namespace
}  // namespace postrider::app
