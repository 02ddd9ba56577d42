#include "deliver/client_session.hpp"

#include <gmock/gmock.h>

#include "deliver/testing/client_house.hpp"

namespace postrider::deliver {
namespace {

using mail::Action;
using testing::ClientHouse;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kPlainHello = "250 mx.there.test\r\n";
const std::string kPipelining = "250-mx.there.test\r\n250 PIPELINING\r\n";
const std::string kChunking = "250-mx.there.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n";

class ClientDialog : public ::testing::Test {
 protected:
  ClientDialog() {
    house_.terms.hop.name = "mx.there.test";
    house_.terms.hop.address = base::IpAddress::parse("192.0.2.7").value();
    house_.add("alice@there.test");
  }
  ClientHouse::Said converse(const std::string& hello, std::deque<std::string> rest) {
    rest.push_front(hello);
    rest.push_front("220 mx.there.test ESMTP\r\n");
    return house_.converse(std::move(rest));
  }
  static mail::Reply ok(std::string text) { return mail::reply(250, 0, 0, std::move(text)); }

  ClientHouse house_;
};

TEST_F(ClientDialog, SaysOneCommandAfterTheOtherToAPlainServer) {
  house_.add("bob@there.test");
  const auto said = converse(
      kPlainHello, {"250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n", "250 2.0.0 queued as 1\r\n"});
  EXPECT_EQ(said.heard,
            "EHLO mx.here.test\r\nMAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test>\r\n"
            "RCPT TO:<bob@there.test>\r\nDATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n");
  EXPECT_EQ(said.writes, 6u);
  ASSERT_EQ(said.outcomes.size(), 2u);
  for (const auto& outcome : said.outcomes) {
    EXPECT_EQ(outcome.action, Action::relayed);
    EXPECT_EQ(outcome.reply, ok("queued as 1"));
    EXPECT_EQ(outcome.relay, "mx.there.test[192.0.2.7]:25");
    EXPECT_FALSE(outcome.dsn_passed_on);
  }
  EXPECT_TRUE(said.usable && said.well && said.judged);
  EXPECT_EQ(said.verdict, "250 2.0.0 queued as 1");
}

TEST_F(ClientDialog, PipelinesMailRcptAndDataInOneWrite) {
  const auto said = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go on\r\n", "250 2.0.0 done\r\n"});
  EXPECT_EQ(said.heard,
            "EHLO mx.here.test\r\nMAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test>\r\nDATA\r\n"
            "Subject: x\r\n\r\nhello\r\n.\r\n");
  EXPECT_EQ(said.writes, 3u);
  EXPECT_EQ(said.outcomes[0].action, Action::relayed);
}

TEST_F(ClientDialog, ASmallMessageIsOneWriteWhereChunksAreTaken) {
  house_.content = {"Subject: x\r\n\r\n", ".hi\r\n"};
  const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n250 2.6.0 19 octets\r\n"});
  EXPECT_EQ(said.heard,
            "EHLO mx.here.test\r\nMAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test>\r\n"
            "BDAT 19 LAST\r\nSubject: x\r\n\r\n.hi\r\n");
  EXPECT_EQ(said.writes, 2u);
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(250, 6, 0, "19 octets"));
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, ALargeMessageGoesInChunksTwoAtATimeAfterRcpt) {
  house_.content = {std::string(70000, 'a'), std::string(65536, 'b'), std::string(65536, 'c'), "\r\n"};
  const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n", "250 one\r\n", "250 two\r\n",
                                         "250 three\r\n", "250 2.0.0 done\r\n"});
  EXPECT_EQ(said.heard,
            "EHLO mx.here.test\r\nMAIL FROM:<sender@here.test>\r\nRCPT TO:<alice@there.test>\r\n"
            "BDAT 70000\r\n" +
                house_.content[0] + "BDAT 65536\r\n" + house_.content[1] + "BDAT 65536\r\n" +
                house_.content[2] + "BDAT 2 LAST\r\n\r\n");
  EXPECT_EQ(said.outcomes[0].action, Action::relayed);
  EXPECT_THAT(said.transcript, HasSubstr("C: BDAT 70000\n[content, 70000 octets]\n"));
}

TEST_F(ClientDialog, ARefusedChunkIsTheVerdictAndTheRestIsNotSent) {
  house_.content = {std::string(70000, 'a'), std::string(70000, 'b'), std::string(70000, 'c')};
  const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n", "552 5.3.4 too big\r\n"});
  EXPECT_EQ(said.outcomes[0].action, Action::failed);
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(552, 3, 4, "too big"));
  EXPECT_EQ(said.outcomes[0].detail, "in reply to BDAT");
  EXPECT_EQ(said.heard.find("LAST"), std::string::npos);
  EXPECT_EQ(said.heard.find(house_.content[2]), std::string::npos);
  EXPECT_FALSE(said.usable);
}

TEST_F(ClientDialog, ALargeMessageByDataIsStuffedPieceByPiece) {
  house_.content = {std::string(70000, 'a') + "\r\n", ".b\r\n"};
  const auto said = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go on\r\n", "250 2.0.0 done\r\n"});
  EXPECT_TRUE(said.heard.ends_with("a\r\n..b\r\n.\r\n"));
  EXPECT_THAT(said.transcript, HasSubstr("[content, 70006 octets]\n"));
}

TEST_F(ClientDialog, EachRecipientHasItsOwnVerdict) {
  house_.add("bob@there.test");
  house_.add("carol@there.test");
  const auto said =
      converse(kPipelining, {"250 ok\r\n550 5.1.1 no alice\r\n450 4.2.1 bob later\r\n250 ok\r\n",
                             "354 go on\r\n", "250 2.0.0 done\r\n"});
  EXPECT_EQ(said.outcomes[0].action, Action::failed);
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(550, 1, 1, "no alice"));
  EXPECT_EQ(said.outcomes[0].detail, "in reply to RCPT");
  EXPECT_EQ(said.outcomes[1].action, Action::deferred);
  EXPECT_EQ(said.outcomes[1].reply, mail::reply(450, 2, 1, "bob later"));
  EXPECT_EQ(said.outcomes[2].action, Action::relayed);
  EXPECT_EQ(said.verdict, "550 5.1.1 no alice");
  EXPECT_FALSE(said.well);
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, AServerThatTakesNobodyAndStillSays354GetsALoneDot) {
  const auto said =
      converse(kPipelining, {"250 ok\r\n550 5.1.1 no\r\n354 go on\r\n", "554 5.5.1 no recipients\r\n"});
  EXPECT_TRUE(said.heard.ends_with("DATA\r\n.\r\n"));
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(550, 1, 1, "no"));
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, WhereNobodyIsTakenTheReplyToTheChunkDoesNotCount) {
  const auto said = converse(kChunking, {"250 ok\r\n550 5.1.1 no\r\n503 5.5.1 nobody\r\n"});
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(550, 1, 1, "no"));
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, APlainServerThatTakesNobodyIsNotAskedForData) {
  const auto said = converse(kPlainHello, {"250 ok\r\n", "551 5.1.6 gone\r\n"});
  EXPECT_EQ(said.heard.find("DATA"), std::string::npos);
  EXPECT_EQ(said.outcomes[0].action, Action::failed);
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, TheNextTransactionAfterNobodyWasTakenBeginsWithRset) {
  house_.begin({"220 hi\r\n", kPipelining, "250 ok\r\n550 5.1.1 no\r\n554 5.5.1 no\r\n"});
  EXPECT_TRUE(house_.carry().usable);
  house_.server_says("250 2.0.0 flushed\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  house_.server_says("250 2.0.0 done\r\n");
  const auto said = house_.carry();
  EXPECT_TRUE(said.heard.starts_with("RSET\r\nMAIL FROM:<sender@here.test>\r\n"));
  EXPECT_EQ(said.outcomes[0].action, Action::relayed);
  house_.server_says("250 ok\r\n250 ok\r\n354 go\r\n");
  house_.server_says("250 2.0.0 done\r\n");
  EXPECT_TRUE(house_.carry().heard.starts_with("MAIL"));
}

TEST_F(ClientDialog, ARefusedMailFailsAllAndATemporaryOneIsLeftToTheNextHost) {
  const auto refused = converse(kPipelining, {"550 5.7.1 not you\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n"});
  EXPECT_EQ(refused.outcomes[0].action, Action::failed);
  EXPECT_EQ(refused.outcomes[0].reply, mail::reply(550, 7, 1, "not you"));
  EXPECT_FALSE(refused.usable);
  const auto later = converse(kPlainHello, {"451 4.7.1 later\r\n"});
  EXPECT_THAT(later.open, ::testing::ElementsAre(0u));
  EXPECT_TRUE(later.judged);
  EXPECT_EQ(later.outcomes[0].action, Action::deferred);
  EXPECT_EQ(later.outcomes[0].reply, mail::reply(451, 7, 1, "later"));
}

TEST_F(ClientDialog, ARefusedDataIsTheVerdictOfThoseWhoWereTaken) {
  const auto said = converse(kPipelining, {"250 ok\r\n250 ok\r\n554 5.7.1 no\r\n"});
  EXPECT_EQ(said.outcomes[0].action, Action::failed);
  EXPECT_EQ(said.outcomes[0].detail, "in reply to DATA");
  const auto later = converse(kPlainHello, {"250 ok\r\n", "250 ok\r\n", "451 4.3.0 busy\r\n"});
  EXPECT_EQ(later.outcomes[0].action, Action::deferred);
  EXPECT_THAT(later.open, IsEmpty());
}

TEST_F(ClientDialog, TheEndOfTheDataDecides) {
  const auto failed =
      converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n", "554-5.6.0 line\r\n554 5.6.0 two\r\n"});
  EXPECT_EQ(failed.outcomes[0].action, Action::failed);
  EXPECT_EQ(failed.outcomes[0].reply, mail::reply(554, 6, 0, "line\ntwo"));
  EXPECT_TRUE(failed.usable);
  const auto later = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n", "452 4.3.1 full\r\n"});
  EXPECT_EQ(later.outcomes[0].action, Action::deferred);
  EXPECT_THAT(later.open, IsEmpty());
}

TEST_F(ClientDialog, AConnectionThatBreaksBeforeTheEndOfTheDataLeavesTheNextHostATry) {
  for (const std::deque<std::string>& rest :
       std::vector<std::deque<std::string>>{{},
                                            {"250 ok\r\n"},
                                            {"250 ok\r\n250 ok\r\n"},
                                            {"250 ok\r\n421 4.3.2 leaving\r\n"},
                                            {"421 no\r\n"}}) {
    const auto said = converse(kPipelining, rest);
    EXPECT_THAT(said.open, ::testing::ElementsAre(0u)) << rest.size();
    EXPECT_EQ(said.judged, rest.size() == 1 && rest[0].starts_with("250"));
    EXPECT_FALSE(said.usable);
  }
  const auto said = converse(kPipelining, {"250 ok\r\n250 ok\r\n"});
  EXPECT_EQ(said.outcomes[0].reply,
            mail::reply(451, 4, 2, "the server closed the connection while waiting for the reply to DATA"));
}

TEST_F(ClientDialog, WhatIsLostBehindTheEndOfTheDataIsDeferred) {
  for (const auto& last : {std::string(), std::string("421 4.3.2 leaving\r\n")}) {
    std::deque<std::string> rest{"250 ok\r\n250 ok\r\n354 go\r\n"};
    if (!last.empty()) rest.push_back(last);
    const auto said = converse(kPipelining, rest);
    EXPECT_THAT(said.open, IsEmpty());
    EXPECT_EQ(said.outcomes[0].action, Action::deferred);
    EXPECT_EQ(said.outcomes[0].reply.enhanced->to_string(), last.empty() ? "4.4.2" : "4.3.2");
  }
}

TEST_F(ClientDialog, NonsenseEndsTheSession) {
  const auto wrong = converse(kPipelining, {"250 ok\r\n250 ok\r\n250 ok\r\n"});
  EXPECT_EQ(wrong.outcomes[0].reply, mail::reply(451, 5, 0, "the server said 250 ok as the reply to DATA"));
  EXPECT_THAT(wrong.open, ::testing::ElementsAre(0u));
  const auto garbage = converse(kPlainHello, {"hello?\r\n"});
  EXPECT_EQ(garbage.outcomes[0].reply.enhanced->to_string(), "4.5.0");
  const auto flood = converse(kPlainHello, {std::string(5000, '2')});
  EXPECT_EQ(flood.outcomes[0].reply.enhanced->to_string(), "4.5.0");
  const auto late = converse(kPlainHello, {"250 ok\r\n", "250 ok\r\n", "354 go\r\n", "354 go\r\n"});
  EXPECT_THAT(late.open, IsEmpty());
  EXPECT_EQ(late.outcomes[0].action, Action::deferred);
  EXPECT_EQ(late.outcomes[0].reply.enhanced->to_string(), "4.5.0");
}

TEST_F(ClientDialog, RepliesMayBeSplitAndGluedAnyhow) {
  std::deque<std::string> octets;
  for (const char c :
       std::string("220 hi\r\n250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\n250 2.0.0 done\r\n"))
    octets.emplace_back(1, c);
  EXPECT_EQ(house_.converse(octets).outcomes[0].reply, ok("done"));
  EXPECT_EQ(house_.converse({"220 hi\r\n", kPipelining, "250 ok\r\n250 ok\r\n354 go\n", "250 2.0.0 done\r\n"})
                .outcomes[0]
                .action,
            Action::relayed);
}

TEST_F(ClientDialog, TooManyRecipientsGoInAnotherTransaction) {
  house_.add("bob@there.test");
  house_.add("carol@there.test");
  const auto said =
      converse(kPipelining, {"250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n552 too many\r\n354 go\r\n",
                             "250 2.0.0 one\r\n", "250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n354 go\r\n",
                             "250 2.0.0 two\r\n", "250 ok\r\n552 5.5.3 too many\r\n554 nobody\r\n"});
  EXPECT_EQ(said.outcomes[0].reply, ok("one"));
  EXPECT_EQ(said.outcomes[1].reply, ok("two"));
  // The first of a transaction can't be one too many.
  EXPECT_EQ(said.outcomes[2].action, Action::failed);
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, AFullMailboxIsNotTooManyRecipients) {
  house_.add("bob@there.test");
  const auto said =
      converse(kPipelining, {"250 ok\r\n250 ok\r\n552 5.2.2 full\r\n354 go\r\n", "250 2.0.0 one\r\n"});
  EXPECT_EQ(said.outcomes[1].action, Action::failed);
  EXPECT_EQ(said.outcomes[1].reply, mail::reply(552, 2, 2, "full"));
}

TEST_F(ClientDialog, AMessageThatCannotBeReadIsDeferredAndNeverEnded) {
  house_.content_breaks = true;
  const auto before = converse(kPipelining, {});
  EXPECT_EQ(before.heard, "EHLO mx.here.test\r\n");
  EXPECT_EQ(before.outcomes[0].action, Action::deferred);
  EXPECT_EQ(before.outcomes[0].reply.enhanced->to_string(), "4.3.0");
  EXPECT_TRUE(before.usable);
  house_.content = {std::string(70000, 'x')};
  const auto during = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n"});
  EXPECT_TRUE(during.heard.ends_with("xxx"));
  EXPECT_EQ(during.outcomes[0].reply.enhanced->to_string(), "4.3.0");
  EXPECT_FALSE(during.usable);
  const auto chunks = converse(kChunking, {"250 ok\r\n250 ok\r\n", "250 ok\r\n"});
  EXPECT_EQ(chunks.heard.find("LAST"), std::string::npos);
  EXPECT_FALSE(chunks.usable);
}

TEST_F(ClientDialog, HeloIsSaidWhereEhloIsRefused) {
  const auto said = house_.converse({"220 hi\r\n", "502 what?\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n",
                                     "354 go\r\n", "250 done\r\n"});
  EXPECT_TRUE(said.heard.starts_with("EHLO mx.here.test\r\nHELO mx.here.test\r\nMAIL"));
  EXPECT_EQ(said.outcomes[0].action, Action::relayed);
}

TEST_F(ClientDialog, AServerThatTurnsUsAwayIsLeftToTheNextHost) {
  EXPECT_EQ(house_.begin({"554 5.3.2 no mail here\r\n"}),
            mail::reply(451, 3, 2, "the server turned us away: 554 5.3.2 no mail here"));
  EXPECT_EQ(house_.begin({"421 4.7.0 busy\r\n"}), mail::reply(421, 7, 0, "busy"));
  EXPECT_EQ(house_.begin({"220 hi\r\n", "421 4.7.0 busy\r\n"}), mail::reply(421, 7, 0, "busy"));
  EXPECT_EQ(house_.begin({"220 hi\r\n", "450 later\r\n"}), mail::plain_reply(450, "later"));
  EXPECT_EQ(house_.begin({"220 hi\r\n", "550 no\r\n", "550 no\r\n"}),
            mail::reply(451, 3, 2, "the server turned us away: 550 no"));
  EXPECT_EQ(house_.begin({"220 hi\r\n"})->text,
            "the server closed the connection while waiting for the reply to EHLO");
  EXPECT_EQ(house_.begin({"SSH-2.0-x\r\n"})->enhanced->to_string(), "4.5.0");
}

TEST_F(ClientDialog, AKeptConnectionThatDiesBeforeAReplyLeavesNoTrace) {
  for (const bool with_421 : {false, true}) {
    house_.begin({"220 hi\r\n", kPipelining, "250 ok\r\n250 ok\r\n354 go\r\n", "250 done\r\n"});
    EXPECT_FALSE(house_.carry().dead);
    if (with_421) house_.server_says("421 4.4.2 idle\r\n");
    const auto said = house_.carry();
    EXPECT_TRUE(said.dead);
    EXPECT_FALSE(said.judged);
    EXPECT_EQ(said.verdict, "");
    EXPECT_THAT(said.open, ::testing::ElementsAre(0u));
  }
}

TEST_F(ClientDialog, QuitWaitsForTheReply) {
  house_.begin({"220 hi\r\n", kPipelining, "550 5.7.1 no\r\n503 no\r\n503 no\r\n", "221 bye\r\n"});
  house_.carry();
  house_.quit();
  EXPECT_EQ(house_.take_heard(), "QUIT\r\n");
}

TEST_F(ClientDialog, QuitReadsNoMoreThanTenReplies) {
  house_.begin({"220 hi\r\n", kPipelining});
  for (int i = 0; i < 25; ++i) house_.server_says("250 \r\n");
  house_.quit();
  EXPECT_EQ(house_.unread(), 15u);
}

TEST_F(ClientDialog, QuitIsNotSaidBehindHalfAMessageOrOnABrokenLine) {
  house_.content = {std::string(70000, 'x')};
  house_.content_breaks = true;
  for (const std::string& hello : {kPipelining, kPlainHello}) {
    EXPECT_TRUE(converse(hello, {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"}).heard.ends_with("xxx"));
    house_.quit();
    EXPECT_EQ(house_.take_heard(), "");
  }
  house_.content_breaks = false;
  converse(kPipelining, {"250 ok\r\n", "what\r\n", "221 bye\r\n"});
  house_.quit();
  EXPECT_EQ(house_.take_heard(), "");
}

TEST_F(ClientDialog, RepliesThatNobodyAskedForEndTheSessionBeforeTheyAreTakenForOthers) {
  const auto hello = converse(kPipelining + "250 surplus\r\n", {"250 ok\r\n550 5.1.1 no alice\r\n"});
  EXPECT_EQ(hello.heard, "EHLO mx.here.test\r\n");
  EXPECT_EQ(hello.outcomes[0].action, Action::deferred);
  EXPECT_EQ(hello.outcomes[0].reply, mail::reply(451, 5, 0, "replies that nobody asked for: 250 surplus"));
  EXPECT_THAT(hello.open, ::testing::ElementsAre(0u));
  EXPECT_FALSE(hello.usable);
  const auto rcpt = converse(kPlainHello, {"250 ok\r\n250 surplus\r\n", "550 5.1.1 no alice\r\n"});
  EXPECT_EQ(rcpt.heard.find("RCPT"), std::string::npos);
  EXPECT_THAT(rcpt.open, ::testing::ElementsAre(0u));
  const auto leaves = converse(kPlainHello, {"250 ok\r\n421 4.3.2 leaving\r\n"});
  EXPECT_EQ(leaves.outcomes[0].reply, mail::reply(421, 3, 2, "leaving"));
}

TEST_F(ClientDialog, ASurplusReplyBehind354IsNotTakenForTheVerdict) {
  const auto said =
      converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n250 surplus\r\n", "550 5.7.1 spam\r\n"});
  EXPECT_TRUE(said.heard.ends_with("DATA\r\n"));
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(451, 5, 0, "replies that nobody asked for: 250 surplus"));
  EXPECT_THAT(said.open, ::testing::ElementsAre(0u));
  EXPECT_FALSE(said.usable);
}

TEST_F(ClientDialog, ARefusalBehind354IsTheVerdictAndTheContentIsNotSent) {
  const auto said = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n552 5.3.4 too big\r\n"});
  EXPECT_TRUE(said.heard.ends_with("DATA\r\n"));
  EXPECT_EQ(said.outcomes[0].action, Action::failed);
  EXPECT_EQ(said.outcomes[0].detail, "in reply to the content");
  EXPECT_FALSE(said.usable);
  const auto leaves = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n421 4.3.2 leaving\r\n"});
  EXPECT_THAT(leaves.open, ::testing::ElementsAre(0u));
  EXPECT_EQ(leaves.outcomes[0].reply, mail::reply(421, 3, 2, "leaving"));
  const auto closes = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n552"});
  EXPECT_THAT(closes.open, ::testing::ElementsAre(0u));
  EXPECT_EQ(closes.outcomes[0].reply.enhanced->to_string(), "4.4.2");
}

TEST_F(ClientDialog, ASurplusReplyIsNotTakenForThatToAChunk) {
  house_.content = {std::string(70000, 'a'), "\r\n"};
  const auto first = converse(kChunking, {"250 ok\r\n250 ok\r\n250 surplus\r\n", "550 5.7.1 spam\r\n"});
  EXPECT_EQ(first.heard.find("BDAT"), std::string::npos);
  const auto last = converse(
      kChunking, {"250 ok\r\n250 ok\r\n", "250 one\r\n250 surplus\r\n", "550 5.7.1 spam\r\n", "550 no\r\n"});
  EXPECT_EQ(last.heard.find("LAST"), std::string::npos);
  for (const auto& said : {first, last}) {
    EXPECT_EQ(said.outcomes[0].reply, mail::reply(451, 5, 0, "replies that nobody asked for: 250 surplus"));
    EXPECT_THAT(said.open, ::testing::ElementsAre(0u));
    EXPECT_FALSE(said.usable);
  }
}

TEST_F(ClientDialog, TheLastChunkIsNotSentBeforeAllOthersAreTaken) {
  house_.content = {std::string(70000, 'a'), std::string(70000, 'b'), "\r\n"};
  const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n", "250 one\r\n", "552 5.3.4 too big\r\n"});
  EXPECT_EQ(said.heard.find("LAST"), std::string::npos);
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(552, 3, 4, "too big"));
  EXPECT_EQ(said.outcomes[0].detail, "in reply to BDAT");
}

TEST_F(ClientDialog, TheLastWordsOfAServerThatBreaksOffAreHeard) {
  house_.content = {std::string(70000, 'a'), std::string(70000, 'b'), "\r\n"};
  house_.server_takes(100000, true);
  const std::string go = "250 ok\r\n250 ok\r\n354 go\r\n";
  const auto refused = converse(kPipelining, {go, "552 5.3.4 too big\r\n"});
  EXPECT_EQ(refused.outcomes[0].reply, mail::reply(552, 3, 4, "too big"));
  EXPECT_EQ(refused.outcomes[0].detail, "in reply to the content");
  const auto leaves = converse(kPipelining, {go, "421 4.3.2 leaving\r\n"});
  EXPECT_EQ(leaves.outcomes[0].reply, mail::reply(421, 3, 2, "leaving"));
  const auto positive = converse(kPipelining, {go, "250 what\r\n", "552 5.3.4 too big\r\n"});
  EXPECT_EQ(positive.outcomes[0].reply.enhanced->to_string(), "4.4.2");
  for (const auto& said : {leaves, positive}) EXPECT_THAT(said.open, ::testing::ElementsAre(0u));
  // The reply to the chunk before comes first.
  const auto chunks = converse(kChunking, {"250 ok\r\n250 ok\r\n", "250 one\r\n", "552 5.3.4 too big\r\n"});
  EXPECT_EQ(chunks.outcomes[0].reply, mail::reply(552, 3, 4, "too big"));
  EXPECT_EQ(chunks.outcomes[0].detail, "in reply to the content");
  const auto surplus =
      converse(kChunking, {"250 ok\r\n250 ok\r\n", "250 one\r\n", "250 two\r\n", "552 no\r\n"});
  EXPECT_THAT(surplus.open, ::testing::ElementsAre(0u));
}

TEST_F(ClientDialog, AServerThatRefusesAndReadsNoMoreIsHeardWhenTimeRunsOut) {
  house_.content = {std::string(70000, 'a'), "\r\n"};
  house_.times.data_block = std::chrono::milliseconds(20);
  house_.server_takes(30000, false);
  const std::string go = "250 ok\r\n250 ok\r\n354 go\r\n";
  const auto refused = converse(kPipelining, {go, "552 5.3.4 too big\r\n"});
  EXPECT_EQ(refused.outcomes[0].reply, mail::reply(552, 3, 4, "too big"));
  EXPECT_FALSE(refused.usable);
  for (const std::string& half : {std::string("552 5.3.4 too"), std::string("250 what\r\n")}) {
    const auto silent = converse(kPipelining, {go, half});
    EXPECT_THAT(silent.open, ::testing::ElementsAre(0u));
    EXPECT_EQ(silent.outcomes[0].reply,
              mail::reply(451, 4, 2, "time ran out while waiting for the content to be taken"));
  }
}

TEST_F(ClientDialog, ASurplusReplyBehindTheLastOneLeavesNoConnection) {
  for (const std::string& surplus : {std::string("250 surplus\r\n"), std::string("421 bye\r\n")}) {
    const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n250 done\r\n" + surplus});
    EXPECT_EQ(said.outcomes[0].action, Action::relayed);
    EXPECT_FALSE(said.usable);
  }
  EXPECT_FALSE(converse(kPlainHello, {"250 ok\r\n", "550 5.1.1 no\r\n250 surplus\r\n"}).usable);
  EXPECT_FALSE(converse(kPipelining, {"250 ok\r\n250 ok\r\n554 no\r\n250 surplus\r\n"}).usable);
}

TEST_F(ClientDialog, ARefusalBehindTheLastReplyMeansThatTheMessageWasPerhapsNotTaken) {
  const auto said = converse(kChunking, {"250 surplus\r\n250 mail\r\n250 rcpt\r\n550 5.7.1 spam\r\n"});
  EXPECT_EQ(said.outcomes[0].action, Action::deferred);
  EXPECT_EQ(said.outcomes[0].reply.enhanced->to_string(), "4.5.0");
  EXPECT_THAT(said.open, IsEmpty());
  EXPECT_FALSE(said.usable);
}

TEST_F(ClientDialog, WhereAllWentOutInOneWriteABrokenLineDefersAtOnce) {
  house_.add("bob@there.test");
  for (const std::deque<std::string>& rest : std::vector<std::deque<std::string>>{
           {}, {"250 ok\r\n"}, {"250 ok\r\n250 ok\r\n"}, {"250 ok\r\n250 ok\r\nwhat?\r\n"}}) {
    const auto said = converse(kChunking, rest);
    EXPECT_THAT(said.open, IsEmpty());
    for (const auto& outcome : said.outcomes) EXPECT_EQ(outcome.action, Action::deferred);
  }
  const auto refused = converse(kChunking, {"250 ok\r\n550 5.1.1 no alice\r\n"});
  EXPECT_EQ(refused.outcomes[0].action, Action::failed);
  EXPECT_EQ(refused.outcomes[1].action, Action::deferred);
  // Who leaves before the reply to the content has not taken it.
  const auto left = converse(kChunking, {"250 ok\r\n250 ok\r\n421 4.3.2 leaving\r\n"});
  EXPECT_THAT(left.open, ::testing::ElementsAre(0u, 1u));
  const auto last = converse(kChunking, {"250 ok\r\n250 ok\r\n250 ok\r\n421 4.3.2 leaving\r\n"});
  EXPECT_THAT(last.open, IsEmpty());
}

TEST_F(ClientDialog, AKeptConnectionThatBreaksWithTheWholeMessageIsNotDead) {
  house_.begin({"220 hi\r\n", kChunking, "250 ok\r\n250 ok\r\n250 done\r\n"});
  EXPECT_TRUE(house_.carry().usable);
  const auto said = house_.carry();
  EXPECT_FALSE(said.dead);
  EXPECT_THAT(said.open, IsEmpty());
  EXPECT_EQ(said.outcomes[0].reply.enhanced->to_string(), "4.4.2");
}

TEST_F(ClientDialog, BehindTheLastChunkABrokenLineDefers) {
  house_.content = {std::string(70000, 'a'), "\r\n"};
  const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n", "250 one\r\n"});
  EXPECT_THAT(said.heard, HasSubstr("BDAT 2 LAST\r\n"));
  EXPECT_THAT(said.open, IsEmpty());
  EXPECT_EQ(said.outcomes[0].reply.enhanced->to_string(), "4.4.2");
}

TEST_F(ClientDialog, LmtpHasAReplyForEachRecipient) {
  house_.terms.protocol = ClientProtocol::lmtp;
  house_.add("bob@there.test");
  house_.add("carol@there.test");
  const auto said = converse(kPipelining, {"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n",
                                           "250 2.1.5 alice has it\r\n", "452 4.2.2 carol is full\r\n"});
  EXPECT_TRUE(said.heard.starts_with("LHLO mx.here.test\r\n"));
  EXPECT_EQ(said.outcomes[0].action, Action::delivered);
  EXPECT_EQ(said.outcomes[0].reply, mail::reply(250, 1, 5, "alice has it"));
  EXPECT_EQ(said.outcomes[1].action, Action::failed);
  EXPECT_EQ(said.outcomes[2].action, Action::deferred);
  EXPECT_TRUE(said.usable);
}

TEST_F(ClientDialog, LmtpThatBreaksBetweenItsRepliesDefersTheRest) {
  house_.terms.protocol = ClientProtocol::lmtp;
  house_.add("bob@there.test");
  const auto said = converse(kChunking, {"250 ok\r\n250 ok\r\n250 ok\r\n250 2.1.5 alice has it\r\n"});
  EXPECT_EQ(said.outcomes[0].action, Action::delivered);
  EXPECT_EQ(said.outcomes[1].action, Action::deferred);
  EXPECT_EQ(said.outcomes[1].reply.enhanced->to_string(), "4.4.2");
}

TEST_F(ClientDialog, LmtpKnowsNoHeloAndNoMessageForNobody) {
  house_.terms.protocol = ClientProtocol::lmtp;
  EXPECT_EQ(house_.begin({"220 hi\r\n", "500 what?\r\n"})->code, 451);
  EXPECT_EQ(house_.take_heard(), "LHLO mx.here.test\r\n");
  const auto said = converse(kPipelining, {"250 ok\r\n550 5.1.1 no\r\n354 go\r\n"});
  EXPECT_TRUE(said.heard.ends_with("DATA\r\n"));
  EXPECT_FALSE(said.usable);
}

TEST_F(ClientDialog, DeclaredEightBitContentIsFoundWhereverItStandsAndNotSentToWhoDoesNotTakeIt) {
  house_.envelope.body = mail::BodyType::eight_bit_mime;
  for (const auto& content : std::vector<std::vector<std::string>>{
           {"Subject: \xFC\r\n\r\n"}, {std::string(70000, 'a'), std::string(70000, 'b'), "\xC3\xBC\r\n"}}) {
    house_.content = content;
    const auto said = converse(kChunking, {});
    EXPECT_EQ(said.heard, "EHLO mx.here.test\r\n");
    EXPECT_EQ(said.outcomes[0].action, Action::failed);
    EXPECT_EQ(said.outcomes[0].reply, mail::reply(554, 6, 3, "the server does not take 8BITMIME"));
    EXPECT_TRUE(said.usable);
  }
  house_.content.back() = "\r\n";
  const auto ascii = converse(kPipelining, {"250 ok\r\n250 ok\r\n354 go\r\n", "250 2.0.0 done\r\n"});
  EXPECT_THAT(ascii.heard, HasSubstr("MAIL FROM:<sender@here.test>\r\n"));
  EXPECT_TRUE(ascii.heard.ends_with("b\r\n.\r\n"));
  EXPECT_EQ(ascii.outcomes[0].action, Action::relayed);
  house_.content_breaks = true;
  const auto broken = converse(kPipelining, {});
  EXPECT_EQ(broken.outcomes[0].reply.enhanced->to_string(), "4.3.0");
  EXPECT_TRUE(broken.usable);
}

TEST_F(ClientDialog, DsnIsPassedOnBySmtpAndNotByLmtp) {
  const std::string hello = "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n";
  const std::deque<std::string> rest{"250 ok\r\n250 ok\r\n354 go\r\n", "250 2.0.0 done\r\n"};
  const auto smtp = converse(hello, rest);
  EXPECT_THAT(smtp.heard, HasSubstr("RCPT TO:<alice@there.test> ORCPT=rfc822;alice@there.test\r\n"));
  EXPECT_TRUE(smtp.outcomes[0].dsn_passed_on);
  house_.terms.protocol = ClientProtocol::lmtp;
  const auto lmtp = converse(hello, rest);
  EXPECT_THAT(lmtp.heard, HasSubstr("RCPT TO:<alice@there.test>\r\n"));
  EXPECT_FALSE(lmtp.outcomes[0].dsn_passed_on);
}

}  // namespace
}  // namespace postrider::deliver
