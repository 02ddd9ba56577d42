#include "receive/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "receive/testing/house.hpp"

namespace postrider::receive {
namespace {

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
[[listener]]
address = "127.0.0.1:2525"
[[domain]]
name = "example.test"
users = ["alice", "bob"]
)";

class SessionTest : public ::testing::Test {
 protected:
  // What was heard, each id of a message as "ID".
  std::string hear(std::deque<std::string> sends) {
    peer_ = house_.converse(std::move(sends));
    auto heard = peer_.heard;
    for (auto at = heard.find("queued as "); at != std::string::npos; at = heard.find("queued as ", at + 1)) {
      heard.replace(at + 10, 13, "ID");
    }
    return heard;
  }
  testing::House house_{kConfig};
  net::fake::Peer peer_;
};

TEST_F(SessionTest, TakesAMessage) {
  EXPECT_EQ(hear({"HELO client.test\r\n", "MAIL FROM:<a@b.test>\r\n", "RCPT TO:<bob@example.test>\r\n",
                  "DATA\r\n", "Subject: x\r\n\r\nHello\r\n.\r\n", "QUIT\r\n"}),
            "220 mx.test ESMTP Postrider\r\n"
            "250 mx.test\r\n"
            "250 2.1.0 <a@b.test> sender ok\r\n"
            "250 2.1.5 <bob@example.test> recipient ok\r\n"
            "354 go on; end with <CRLF>.<CRLF>\r\n"
            "250 2.0.0 queued as ID\r\n"
            "221 2.0.0 mx.test closing the connection\r\n");
  EXPECT_EQ(house_.spool().statistics().commits, 1u);
}

TEST_F(SessionTest, RepliesToPipelinedCommandsLeaveInOneWrite) {
  hear({"EHLO client.test\r\n",
        "MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nRCPT "
        "TO:<nobody@example.test>\r\nRSET\r\nNOOP\r\n",
        "QUIT\r\n"});
  // Greeting, EHLO, the five commands, QUIT.
  EXPECT_EQ(peer_.writes, 4u);
}

TEST_F(SessionTest, RefusesWhoTalksBeforeTheGoAhead) {
  const auto heard = hear({"EHLO client.test\r\n", "MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\n",
                           "DATA\r\nSubject: x\r\n\r\nHello\r\n.\r\n"});
  EXPECT_TRUE(heard.ends_with("554 5.5.0 you must wait for my reply before you go on\r\n")) << heard;
  EXPECT_EQ(house_.spool().statistics().commits, 0u);
}

TEST_F(SessionTest, TakesTheSameMessageInSingleOctets) {
  const std::string content = "Subject: x\r\n\r\n..dots\r\n.\r\n";
  std::deque<std::string> sends{"EHLO client.test\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<bob@example.test>\r\n",
                                "DATA\r\n"};
  for (const char c : content) sends.emplace_back(1, c);
  EXPECT_TRUE(hear(std::move(sends)).ends_with("250 2.0.0 queued as ID\r\n"));
}

TEST_F(SessionTest, AChunkMayBringTheNextCommandsAlong) {
  const auto heard =
      hear({"EHLO client.test\r\n",
            "MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nBDAT 14\r\nSubject: x\r\n\r\nBDAT 4 LAST\r\n"
            "yo\r\nQUIT\r\n"});
  EXPECT_TRUE(
      heard.ends_with("250 2.0.0 14 octets taken\r\n"
                      "250 2.0.0 queued as ID\r\n"
                      "221 2.0.0 mx.test closing the connection\r\n"))
      << heard;
}

TEST_F(SessionTest, ARefusedChunkIsReadAndIsNoCommand) {
  const auto heard = hear({"EHLO client.test\r\n", "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\nQUIT\r\n"});
  EXPECT_TRUE(
      heard.ends_with("503 5.5.1 say MAIL first\r\n250 2.0.0 ok\r\n"
                      "221 2.0.0 mx.test closing the connection\r\n"))
      << heard;
}

TEST_F(SessionTest, AClientThatLeavesInsideTheDataLeavesNothing) {
  hear({"EHLO client.test\r\n", "MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\n", "DATA\r\n",
        "Subject: x\r\n"});
  EXPECT_EQ(house_.spool().statistics().messages, 0u);
}

TEST_F(SessionTest, TooManyErrorsEndTheSession) {
  std::deque<std::string> sends{"EHLO client.test\r\n"};
  for (int i = 0; i < 30; ++i) sends.emplace_back("BOGUS\r\n");
  const auto heard = hear(std::move(sends));
  EXPECT_TRUE(heard.ends_with("421 4.7.0 mx.test too many errors, closing the connection\r\n")) << heard;
  EXPECT_EQ(std::ranges::count(heard, '\n'), 1 + 10 + 20 + 1);
}

}  // namespace
}  // namespace postrider::receive
