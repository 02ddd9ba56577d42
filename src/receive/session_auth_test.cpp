#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "receive/session.hpp"
#include "receive/testing/authenticator.hpp"
#include "receive/testing/house.hpp"
#include "wire/base64.hpp"

namespace postrider::receive {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfig = R"(
hostname = "mx.test"
data_dir = "DATA"
[[listener]]
address = "127.0.0.1:2587"
auth = "AUTH"
[auth]
mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"]
without_tls_on_loopback = true
account_failures = 2
[[domain]]
name = "example.test"
users = ["alice", "bob"]
)";

std::string config_with(std::string_view auth) {
  std::string text = kConfig;
  return text.replace(text.find("AUTH"), 4, auth);
}

const std::string kGood = wire::to_base64("\0alice@example.test\0secret"s);
const std::string kBad = wire::to_base64("\0alice@example.test\0wrong"s);
const std::string kNobody = wire::to_base64("\0nobody@example.test\0secret"s);

class SessionAuth : public ::testing::Test {
 protected:
  explicit SessionAuth(std::string_view auth = "offered") : house_(config_with(auth)) {
    house_.services().logins = &logins_;
  }
  // All that follows the greeting and the answer to EHLO; ids of messages as "ID".
  std::string hear(std::deque<std::string> sends, std::string_view from = "127.0.0.1") {
    sends.emplace_front("EHLO client.test\r\n");
    std::string heard = house_.converse(std::move(sends), from).heard;
    const auto begin = heard.find("250 HELP\r\n");
    EXPECT_NE(begin, std::string::npos) << heard;
    ehlo_ = heard.substr(0, begin);
    heard.erase(0, begin + 10);
    if (const auto at = heard.find("queued as "); at != std::string::npos) heard.replace(at + 10, 13, "ID");
    return heard;
  }

  testing::House house_;
  testing::FakeAuthenticator accounts_;
  directory::LoginGuard guard_{sys::system_clock()};
  Logins logins_{accounts_, guard_};
  std::string ehlo_;
};

class SessionAuthRequired : public SessionAuth {
 protected:
  SessionAuthRequired() : SessionAuth("required") {}
};

constexpr const char* kWelcome = "235 2.7.0 welcome\r\n";
constexpr const char* kRefused = "535 5.7.8 authentication credentials invalid\r\n";

TEST_F(SessionAuth, PlainLogsIn) {
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\n"}), kWelcome);
  EXPECT_THAT(ehlo_, HasSubstr("250-AUTH PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2\r\n"));
  EXPECT_EQ(hear({"AUTH PLAIN\r\n", kGood + "\r\n"}), "334 \r\n"s + kWelcome);
  EXPECT_EQ(hear({"auth plain\r\n", kGood + "\r\n"}), "334 \r\n"s + kWelcome);
}

TEST_F(SessionAuth, LoginLogsIn) {
  EXPECT_EQ(hear({"AUTH LOGIN\r\n", wire::to_base64("alice@example.test") + "\r\n",
                  wire::to_base64("secret") + "\r\n"}),
            "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"s + kWelcome);
  EXPECT_EQ(hear({"AUTH LOGIN " + wire::to_base64("alice@example.test") + "\r\n",
                  wire::to_base64("secret") + "\r\n"}),
            "334 UGFzc3dvcmQ6\r\n"s + kWelcome);
}

TEST_F(SessionAuth, TokensLogIn) {
  const auto bearer = wire::to_base64(
      "n,a=alice@example.test,\x01"
      "auth=Bearer token\x01\x01");
  EXPECT_EQ(hear({"AUTH OAUTHBEARER " + bearer + "\r\n"}), kWelcome);
  const auto xoauth2 = wire::to_base64(
      "user=alice@example.test\x01"
      "auth=Bearer wrong\x01\x01");
  EXPECT_EQ(
      hear({"AUTH XOAUTH2 " + xoauth2 + "\r\n", "\r\n"}),
      "334 " + wire::to_base64(R"({"status":"401","schemes":"bearer","scope":""})") + "\r\n" + kRefused);
  accounts_.tokens = false;
  EXPECT_EQ(hear({"AUTH OAUTHBEARER " + bearer + "\r\n"}),
            "504 5.5.4 this mechanism is not available here\r\n");
  EXPECT_THAT(ehlo_, Not(HasSubstr("OAUTHBEARER")));
}

// RFC 4954 6
TEST_F(SessionAuth, TellsAStrangerNothingAboutWhoExists) {
  EXPECT_EQ(hear({"AUTH PLAIN " + kBad + "\r\n"}), kRefused);
  EXPECT_EQ(hear({"AUTH PLAIN " + kNobody + "\r\n"}), kRefused);
  EXPECT_THAT(accounts_.asked, ElementsAre("alice@example.test wrong", "nobody@example.test secret"));
}

// RFC 4954 4
TEST_F(SessionAuth, IsPossibleOnceAndOutsideOfMailOnly) {
  const std::string already = "503 5.5.1 you have logged in already\r\n";
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\n", "AUTH PLAIN " + kGood + "\r\n"}), kWelcome + already);
  EXPECT_EQ(hear({"MAIL FROM:<a@b.test>\r\n", "AUTH PLAIN " + kGood + "\r\n"}),
            "250 2.1.0 <a@b.test> sender ok\r\n503 5.5.1 AUTH is not allowed inside a transaction\r\n");
  const auto heard = house_.converse({"AUTH PLAIN\r\n"}, "127.0.0.1").heard;
  EXPECT_THAT(heard, EndsWith("503 5.5.1 say EHLO first\r\n"));
  EXPECT_EQ(accounts_.asked.size(), 1u);
}

TEST_F(SessionAuth, OutlivesEhloAndRset) {
  const auto heard = hear({"AUTH PLAIN " + kGood + "\r\n", "RSET\r\n", "EHLO client.test\r\n",
                           "MAIL FROM:<alice@example.test>\r\n", "RCPT TO:<far@elsewhere.test>\r\n"});
  EXPECT_THAT(heard, EndsWith("250 2.1.5 <far@elsewhere.test> recipient ok\r\n"));
}

TEST_F(SessionAuth, LetsRelayAndElseNobody) {
  const std::deque<std::string> mail = {"MAIL FROM:<alice@example.test>\r\n",
                                        "RCPT TO:<far@elsewhere.test>\r\n"};
  EXPECT_THAT(hear(mail), EndsWith("550 5.7.1 <far@elsewhere.test>: relaying denied\r\n"));
  EXPECT_THAT(hear({"AUTH PLAIN " + kBad + "\r\n", mail[0], mail[1]}), EndsWith("relaying denied\r\n"));
  EXPECT_THAT(hear({"AUTH PLAIN " + kGood + "\r\n", mail[0], mail[1], "DATA\r\n", "Subject: x\r\n\r\n.\r\n"}),
              EndsWith("250 2.0.0 queued as ID\r\n"));
}

TEST_F(SessionAuth, EndsOnAStar) {
  const std::string cancelled = "334 \r\n501 5.7.0 cancelled as you wish\r\n";
  EXPECT_EQ(hear({"AUTH PLAIN\r\n", "*\r\n", "NOOP\r\n"}), cancelled + "250 2.0.0 ok\r\n");
}

TEST_F(SessionAuth, RefusesWhatIsNotBase64OrNotOfTheMechanism) {
  const std::string bad = "501 5.5.2 that is not base64\r\n";
  EXPECT_EQ(hear({"AUTH PLAIN something\r\n"}), bad);
  EXPECT_EQ(hear({"AUTH PLAIN\r\n", "dXNlckB0ZXN0c2VydmVyAHlalala==\r\n"}), "334 \r\n" + bad);
  EXPECT_EQ(hear({"AUTH PLAIN =\r\n"}), "501 5.5.2 PLAIN is [who to be] NUL user NUL password\r\n");
  EXPECT_EQ(hear({"AUTH SCRAM-SHA-256 " + wire::to_base64("n,,x=y") + "\r\n"}),
            "501 5.5.2 bad first SCRAM message\r\n");
  EXPECT_TRUE(accounts_.asked.empty());
}

TEST_F(SessionAuth, RefusesMechanismsThatItDoesNotOffer) {
  for (const auto* name : {"CRAM-MD5", "SCRAM-SHA-1", "EXTERNAL", "SCRAM-SHA-256-PLUS"})
    EXPECT_EQ(hear({"AUTH "s + name + "\r\n"}), "504 5.5.4 this mechanism is not available here\r\n");
}

TEST_F(SessionAuth, IsNotOfferedInClearButToLoopback) {
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\n"}, "192.0.2.1"), "538 5.7.11 logging in needs TLS\r\n");
  EXPECT_THAT(ehlo_, Not(HasSubstr("AUTH")));
}

TEST_F(SessionAuth, ThatFailsThriceEndsTheSession) {
  const std::string bad = "501 5.5.2 that is not base64\r\n";
  EXPECT_EQ(hear({"AUTH PLAIN x\r\n", "AUTH PLAIN x\r\n", "AUTH PLAIN x\r\n", "NOOP\r\n"}),
            bad + bad + "421 4.7.0 mx.test too many failed logins, closing the connection\r\n");
}

// RFC 4954 6
TEST_F(SessionAuth, IsPutOffWhereItCantBeChecked) {
  accounts_.busy = true;
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\n", "NOOP\r\n"}),
            "454 4.7.0 can't check that just now, try again later\r\n250 2.0.0 ok\r\n");
}

TEST_F(SessionAuth, IsNeverLockedOutFromLoopback) {
  const auto wrong = [&] {
    auto attempt = guard_.begin(*base::IpAddress::parse("192.0.2.1"), "alice@example.test",
                                {.account = 2, .network = 50, .trusted = {}});
    if (attempt) attempt->failed();
  };
  wrong();
  wrong();
  EXPECT_EQ(guard_.bans(10).size(), 1u);
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\n"}), kWelcome);
}

TEST_F(SessionAuth, TakesLinesOf12288OctetsAndNoLonger) {
  const std::string token(8192, 't');
  auto response = wire::to_base64(
      "n,,\x01"
      "auth=Bearer " +
      token + "\x01\x01");
  EXPECT_THAT(hear({"AUTH OAUTHBEARER " + response + "\r\n", "\r\n"}), EndsWith(kRefused));
  EXPECT_EQ(accounts_.asked.at(0), " " + token);
  const std::string full(12286, 'x');
  EXPECT_EQ(hear({"AUTH PLAIN\r\n", full + "\r\n"}), "334 \r\n501 5.5.2 that is not base64\r\n");
  EXPECT_EQ(hear({"AUTH PLAIN\r\n", full + "x\r\n", "NOOP\r\n"}),
            "334 \r\n500 5.5.6 the line is too long\r\n");
  EXPECT_EQ(hear({"AUTH PLAIN " + full + "\r\n"}), "554 5.5.2 command line too long\r\n");
}

TEST_F(SessionAuth, IsTheLastOfAGroupAndItsAnswersComeAfterItsQuestions) {
  const std::string early = "554 5.5.0 you must wait for my reply before you go on\r\n";
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\nMAIL FROM:<>\r\n"}), early);
  EXPECT_EQ(hear({"AUTH LOGIN\r\n", "eA==\r\neA==\r\n"}), "334 VXNlcm5hbWU6\r\n" + early);
}

TEST_F(SessionAuth, RefusesABareLfInAResponse) {
  EXPECT_EQ(hear({"AUTH PLAIN\r\n", kGood + "\n", "NOOP\r\n"}),
            "334 \r\n554 5.5.2 lines end with CRLF, and have no NUL or CR in them\r\n");
}

TEST_F(SessionAuth, TakesTheAuthParameterAndTrustsItNot) {
  EXPECT_EQ(hear({"MAIL FROM:<a@b.test> AUTH=bob+40example.test\r\n", "RCPT TO:<far@elsewhere.test>\r\n"}),
            "250 2.1.0 <a@b.test> sender ok\r\n550 5.7.1 <far@elsewhere.test>: relaying denied\r\n");
}

// RFC 6409 4.3, RFC 4954 6
TEST_F(SessionAuthRequired, IsNeededBeforeAnyMail) {
  const std::string first = "530 5.7.0 log in first: this server takes mail from its users only\r\n";
  EXPECT_EQ(hear({"MAIL FROM:<>\r\n", "MAIL FROM:<a@b.test>\r\n", "NOOP\r\n", "RSET\r\n"}),
            first + first + "250 2.0.0 ok\r\n250 2.0.0 ok\r\n");
  EXPECT_EQ(hear({"AUTH PLAIN " + kGood + "\r\n", "MAIL FROM:<alice@example.test>\r\n"}),
            kWelcome + "250 2.1.0 <alice@example.test> sender ok\r\n"s);
}

TEST(DialogAuth, EnvelopeSaysWhoHasLoggedIn) {
  testing::House house(config_with("offered"));
  testing::FakeAuthenticator accounts;
  directory::LoginGuard guard(sys::system_clock());
  Logins logins{accounts, guard};
  house.services().logins = &logins;
  Dialog dialog(house.services(), house.config().listeners.front(),
                {*base::IpAddress::parse("127.0.0.1"), 1, true});
  dialog.handle(wire::smtp::Ehlo{"client.test"});
  EXPECT_EQ(std::get<wire::sasl::Mechanism>(dialog.begin_auth({"PLAIN", {}})), wire::sasl::Mechanism::plain);
  dialog.authenticated({.account = "alice@example.test", .app_password = "phone"});
  wire::smtp::Mail mail{.reverse_path = {}, .size = {}, .envid = {}};
  dialog.handle(mail);
  EXPECT_EQ(dialog.envelope(0).origin.identity, "alice@example.test");
  EXPECT_EQ(dialog.envelope(0).origin.protocol, "ESMTPA");  // RFC 3848 2
  mail.smtputf8 = true;
  dialog.end_transaction();
  dialog.handle(mail);
  EXPECT_EQ(dialog.envelope(0).origin.protocol, "UTF8SMTPA");  // RFC 6531 4.3
  // XCLIENT tells of somebody else, who has not logged in.
  dialog.end_transaction();
  dialog.handle(wire::smtp::Xclient{.name = {},
                                    .addr = "192.0.2.7",
                                    .port = {},
                                    .proto = {},
                                    .helo = {},
                                    .login = {},
                                    .destaddr = {},
                                    .destport = {}});
  dialog.handle(wire::smtp::Ehlo{"client.test"});
  dialog.handle(mail);
  EXPECT_EQ(dialog.envelope(0).origin.identity, "");
  EXPECT_EQ(dialog.envelope(0).origin.protocol, "UTF8SMTP");
}

}  // namespace
}  // namespace postrider::receive
