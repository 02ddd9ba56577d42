#include "wire/submit/header.hpp"

#include <gmock/gmock.h>

namespace postrider::wire::submit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CrlfText text(std::string_view raw) {
  Intake intake(LoneDot::is_text, 1u << 20);
  intake.feed(raw);
  return std::move(intake).finish();
}

const mail::Domain& host() {
  static const mail::Domain name = *mail::Domain::parse("mx.test");
  return name;
}

Facts facts(std::string_view sender = "bob@mx.test") {
  return {.host = host(),
          .sender = sender.empty() ? mail::ReversePath() : mail::ReversePath(*mail::Address::parse(sender)),
          .login = "bob",
          .full_name = "",
          .date = base::UtcTime(base::Milliseconds(1795312167000)),
          .unique = "abc1"};
}

TEST(SubmitHeader, NamesRecipientsInToCcAndBccAndRemovesBcc) {
  const auto message = text(
      "To: Alice <alice@a.test>, bob\nCC: carol@a.test (Carol)\nSubject: x\nbcc: eve@a.test,\n"
      " \"d d\"@a.test\nBcc: root\n\nbody\n");
  const Scanned found = scan(message);
  EXPECT_THAT(found.recipients,
              ElementsAre("alice@a.test", "bob", "carol@a.test", "eve@a.test", "\"d d\"@a.test", "root"));
  EXPECT_EQ(found.header, "To: Alice <alice@a.test>, bob\r\nCC: carol@a.test (Carol)\r\nSubject: x\r\n");
  EXPECT_EQ(found.body, "body\r\n");
  EXPECT_FALSE(found.resent);
}

TEST(SubmitHeader, ReadsFoldedFieldsGroupsAndEmptyOnes) {
  const auto message =
      text("To: undisclosed-recipients:;\nCc: team: a@a.test,\n\tb@a.test;, ,c@a.test\nBcc:\n\n");
  EXPECT_THAT(scan(message).recipients, ElementsAre("a@a.test", "b@a.test", "c@a.test"));
  EXPECT_EQ(scan(message).body, "");
}

TEST(SubmitHeader, OfAMessageSentOnNamesOnlyTheNewestResentRecipients) {
  const auto message = text(
      "Resent-To: new@a.test\nResent-Bcc: hidden@a.test\nResent-From: me@a.test\n"
      "Resent-To: older@a.test\nResent-From: him@a.test\nTo: first@a.test\nBcc: b@a.test\n\nx\n");
  const Scanned found = scan(message);
  EXPECT_TRUE(found.resent);
  EXPECT_THAT(found.recipients, ElementsAre("new@a.test", "hidden@a.test"));
  EXPECT_EQ(found.header,
            "Resent-To: new@a.test\r\nResent-From: me@a.test\r\nResent-To: older@a.test\r\n"
            "Resent-From: him@a.test\r\nTo: first@a.test\r\n");
}

TEST(SubmitHeader, IsSentOnOnlyWhereResentFieldsNameSomebody) {
  const auto message = text("Resent-From: me@a.test\nTo: first@a.test\n\nx\n");
  EXPECT_FALSE(scan(message).resent);
  EXPECT_THAT(scan(message).recipients, ElementsAre("first@a.test"));
}

TEST(SubmitHeader, MayBeMissing) {
  const auto message = text("hello world\nTo: nobody\n");
  const Scanned found = scan(message);
  EXPECT_THAT(found.recipients, IsEmpty());
  EXPECT_EQ(found.header, "");
  EXPECT_EQ(found.body, "hello world\r\nTo: nobody\r\n");
  EXPECT_EQ(scan(CrlfText()).body, "");
  const auto blank = text("\nTo: x\n");
  EXPECT_EQ(scan(blank).body, "To: x\r\n");
}

TEST(SubmitHeader, EndsAtALineThatIsNoField) {
  const auto message = text("Subject: x\nthis is no field\nTo: y\n");
  EXPECT_EQ(scan(message).header, "Subject: x\r\n");
  EXPECT_EQ(scan(message).body, "this is no field\r\nTo: y\r\n");
}

TEST(SubmitHeader, DropsTheLineOfAMailboxFileAndFieldsOfServers) {
  const auto message =
      text("From bob Thu Nov 26 2026\nReturn-Path: <x@y>\nContent-Length: 5\nTo: a@a.test\n\nx\n");
  EXPECT_EQ(scan(message).header, "To: a@a.test\r\n");
}

TEST(SubmitHeader, TakesAnObsoleteFromFieldForNoMailboxLine) {
  EXPECT_EQ(scan(text("From : bob\nTo: a@a.test\n\nx\n")).header, "From : bob\r\nTo: a@a.test\r\n");
  EXPECT_EQ(scan(text("From \n")).header, "");
}

TEST(SubmitHeader, KeepsOctetsAbove127) {
  const auto message = text("To: J\xC3\xBCrgen <j\xC3\xBCrgen@a.test>\nSubject: \xFC\n\n\xFC\n");
  EXPECT_THAT(scan(message).recipients, ElementsAre("j\xC3\xBCrgen@a.test"));
  EXPECT_EQ(scan(message).header, "To: J\xC3\xBCrgen <j\xC3\xBCrgen@a.test>\r\nSubject: \xFC\r\n");
}

TEST(SubmitHeader, TellsOfTooManyRecipients) {
  std::string many = "To: a@a.test";
  for (std::size_t i = 0; i < kMaxRecipients; ++i) many += ",\n b@a.test";
  const Scanned found = scan(text(many + "\n\n"));
  EXPECT_TRUE(found.too_many);
  EXPECT_EQ(found.recipients.size(), kMaxRecipients - 1) << "the reader counts the list as one more";
}

TEST(SubmitHeader, QualifiesAddressesWithoutAHost) {
  const auto field = [](std::string_view value) { return qualify_field(value, host()); };
  EXPECT_EQ(field(" root"), " root@mx.test");
  EXPECT_EQ(field(" root (Cron Daemon)"), " root@mx.test (Cron Daemon)");
  EXPECT_EQ(field(" \"Cron, Daemon\" <root>, bob@a.test,\r\n alice"),
            " \"Cron, Daemon\" <root@mx.test>, bob@a.test,\r\n alice@mx.test");
  EXPECT_EQ(field(" team: a, <b>;, c"), " team: a@mx.test, <b@mx.test>;, c@mx.test");
  EXPECT_EQ(field(" \"a b\""), " \"a b\"@mx.test");
  EXPECT_EQ(field(" < bob (x) >"), " < bob@mx.test (x) >");
}

TEST(SubmitHeader, LeavesOtherAddressesAsTheyAre) {
  for (const std::string_view value :
       {" a@b.test", " a@[IPv6:2001:db8::1]", " Alice B <a@b.test>", " <>", "", " \"open",
        " undisclosed-recipients:;", " two words", " \"a@b\"@c.test", " a (x)@(y) b.test",
        " =?utf-8?q?a,b?= <a@b.test>", " <a@b.test", " <@r:a@b>"})
    EXPECT_EQ(qualify_field(value, host()), value);
}

TEST(SubmitHeader, GetsWhatIsMissing) {
  EXPECT_EQ(completed("Subject: x\r\nTo: root\r\n", false, facts()),
            "Subject: x\r\nTo: root@mx.test\r\nFrom: bob@mx.test\r\nDate: Sun, 22 Nov 2026 01:49:27 +0000\r\n"
            "Message-ID: <abc1@mx.test>\r\n");
  const std::string whole = "from: a@b.test\r\nDATE: x\r\nmessage-id: <x@y>\r\n";
  EXPECT_EQ(completed(whole, false, facts()), whole);
  EXPECT_EQ(completed("", false, facts("")).substr(0, 19), "From: bob@mx.test\r\n");
}

TEST(SubmitHeader, GetsResentFieldsWhereItIsSentOn) {
  EXPECT_EQ(
      completed("Resent-To: a@b.test\r\nFrom: a@b.test\r\nDate: x\r\nMessage-ID: <x@y>\r\n", true, facts()),
      "Resent-To: a@b.test\r\nFrom: a@b.test\r\nDate: x\r\nMessage-ID: <x@y>\r\nResent-From: bob@mx.test\r\n"
      "Resent-Date: Sun, 22 Nov 2026 01:49:27 +0000\r\nResent-Message-ID: <r.abc1@mx.test>\r\n");
}

TEST(SubmitHeader, WritesNamesSoThatTheyAreRead) {
  const auto bob = *mail::Address::parse("bob@a.test");
  EXPECT_EQ(author("", bob), "bob@a.test");
  EXPECT_EQ(author("Bob Bee", bob), "Bob Bee <bob@a.test>");
  EXPECT_EQ(author("Bee, \"B.\"", bob), "\"Bee, \\\"B.\\\"\" <bob@a.test>");
  EXPECT_EQ(author("J\xC3\xBCrgen", bob), "=?utf-8?q?J=C3=BCrgen?= <bob@a.test>");
  EXPECT_EQ(author("\xFC", bob), "bob@a.test") << "no UTF-8";
  EXPECT_EQ(author("a\r\nBcc: eve", bob), "\"a  Bcc: eve\" <bob@a.test>");
  const std::string long_name = author(std::string(40, '\xC3').append("x"), bob);
  EXPECT_EQ(long_name, "bob@a.test");
  std::string umlauts;
  for (int i = 0; i < 12; ++i) umlauts += "\xC3\xBC";
  EXPECT_EQ(
      author(umlauts, bob),
      "=?utf-8?q?=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC=C3=BC?=\r\n =?utf-8?q?=C3=BC=C3=BC=C3=BC=C3=BC?="
      " <bob@a.test>");
}

TEST(SubmitHeader, MakesAddressesOfTheHost) {
  EXPECT_EQ(qualified("root", host())->to_string(), "root@mx.test");
  EXPECT_EQ(qualified("a@b.test", host())->to_string(), "a@b.test");
  EXPECT_EQ(qualified("two words", host()).error().text, "two words: no address");
  EXPECT_FALSE(qualified("", host()));
  EXPECT_FALSE(qualified("a@", host()));
}

}  // namespace
}  // namespace postrider::wire::submit
