#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "receive/testing/house.hpp"
#include "sys/fake/resolver.hpp"

namespace postrider::receive {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
networks = ["198.51.100.1"]
[[listener]]
address = "127.0.0.1:2525"
[[domain]]
name = "example.test"
users = ["alice", "bob"]
[[domain]]
name = "second.test"
users = ["carol"]
)";

struct Watcher final : policy::JudgedObserver {
  std::vector<std::string> told;
  void judged(const policy::Judged& message) override {
    std::string line = message.facts.client.to_string() + ' ' + message.facts.reverse_path.to_string() + ' ' +
                       message.findings.dmarc.author + ' ' + std::string(to_string(message.disposition)) +
                       (message.refused ? " refused" : "");
    for (const auto& one : message.overrides) line += ' ' + std::string(to_string(one.type));
    for (const auto& domain : message.recipient_domains) line += ' ' + domain;
    told.push_back(line);
  }
};

// good.test wants what fails refused, soft.test wants it set aside; 192.0.2.1 sends for good.test.
struct SessionOriginTest : ::testing::Test {
  testing::House house;
  sys::fake::Resolver dns;
  Watcher watcher;

  explicit SessionOriginTest(const std::string& config = kConfig) : house(config) {
    dns.texts["good.test"] = {"v=spf1 ip4:192.0.2.1 -all"};
    dns.texts["_dmarc.good.test"] = {"v=DMARC1; p=reject"};
    dns.texts["_dmarc.soft.test"] = {"v=DMARC1; p=quarantine"};
    house.services().resolver = &dns;
    house.services().judged = &watcher;
  }
  // The reply to the data.
  std::string bring(const std::string& author, const std::string& sender,
                    std::string_view client = "192.0.2.1") {
    const auto peer = house.converse(
        {"EHLO client.test\r\n", "MAIL FROM:<" + sender + ">\r\n", "RCPT TO:<bob@example.test>\r\n",
         "RCPT TO:<alice@Example.test>\r\n", "RCPT TO:<carol@second.test>\r\n", "DATA\r\n",
         "From: <joe@" + author + ">\r\n\r\nHello\r\n.\r\n", "QUIT\r\n"},
        client);
    const auto from = peer.heard.find("354 ");
    const auto begin = peer.heard.find('\n', from) + 1;
    return peer.heard.substr(begin, peer.heard.find('\r', begin) - begin);
  }
};

TEST_F(SessionOriginTest, TakesWhatPassesAndTellsOfIt) {
  EXPECT_THAT(bring("good.test", "joe@good.test"), HasSubstr("250 2.0.0 queued"));
  EXPECT_THAT(watcher.told, ElementsAre("192.0.2.1 joe@good.test good.test none example.test second.test"));
}

TEST_F(SessionOriginTest, RefusesAForgeryAndTellsOfIt) {
  EXPECT_THAT(bring("good.test", "me@evil.test"), HasSubstr("550 5.7.1 DMARC: good.test does not vouch"));
  EXPECT_EQ(house.spool().statistics().messages, 0u);
  EXPECT_THAT(watcher.told,
              ElementsAre("192.0.2.1 me@evil.test good.test reject refused example.test second.test"));
}

TEST_F(SessionOriginTest, QuarantineIsTaken) {
  EXPECT_THAT(bring("soft.test", "me@evil.test"), HasSubstr("250 2.0.0 queued"));
  EXPECT_THAT(watcher.told,
              ElementsAre("192.0.2.1 me@evil.test soft.test quarantine example.test second.test"));
}

TEST_F(SessionOriginTest, TellsNothingOfWhatIsToComeAgain) {
  dns.errors["good.test"] = sys::dns::Error::timeout;
  EXPECT_THAT(bring("good.test", "joe@good.test"), HasSubstr("451 4.7.24 "));
  EXPECT_THAT(watcher.told, IsEmpty());
}

TEST_F(SessionOriginTest, AsksNothingAboutWhomItKnows) {
  for (const std::string_view client : {"198.51.100.1", "127.0.0.1", "::1"})
    EXPECT_THAT(bring("good.test", "me@evil.test", client), HasSubstr("250 2.0.0 queued")) << client;
  EXPECT_EQ(dns.asked, 0);
  EXPECT_THAT(watcher.told, IsEmpty());
}

struct OwnDnsTest : SessionOriginTest {
  OwnDnsTest() : SessionOriginTest(std::string(kConfig) + "[dns]\nservers = [\"127.0.0.1@5353\"]\n") {}
};

TEST_F(OwnDnsTest, MayKnowWhoSendsFromThisMachine) {
  EXPECT_THAT(bring("good.test", "me@evil.test", "127.0.0.1"), HasSubstr("550 5.7.1 DMARC"));
}

}  // namespace
}  // namespace postrider::receive
