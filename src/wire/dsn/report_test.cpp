#include "wire/dsn/report.hpp"

#include <gtest/gtest.h>

#include "base/ascii.hpp"

namespace postrider::wire::dsn {
namespace {

using Wanted = OriginalReader::Wanted;
using std::chrono::seconds;

constexpr base::UtcTime kNoon{seconds(1'792'843'200)};  // Sat, 24 Oct 2026 12:00:00 +0000
constexpr std::string_view kMessage =
    "Message-ID: <1@example.com>\r\nSubject: =?utf-8?q?H=C3=A9llo?=\r\n\r\nfirst line\r\nsecond line\r\n";

Original read(std::string_view message, Wanted wanted = Wanted::full) {
  OriginalReader reader(wanted);
  for (std::size_t at = 0; at < message.size() && reader.feed(message.substr(at, 1000)); at += 1000) {
  }
  return reader.take();
}

Recipient failed(std::string address) {
  Recipient out;
  out.final = {"rfc822", std::move(address)};
  out.action = Action::failed;
  out.status = {5, 1, 1};
  out.remote_mta = Typed{"dns", "mx.example.net"};
  out.diagnostic = Typed{"smtp", "550 5.1.1 no such user"};
  return out;
}

Report failure() {
  Report out;
  out.kind = Kind::failure;
  out.hostname = "mx.test";
  out.sender = "alice@example.com";
  out.id = "0123456789abc";
  out.date = kNoon;
  out.status.reporting_mta = {"dns", "mx.test"};
  out.status.arrival = kNoon - seconds(60);
  out.status.recipients = {failed("bob@example.net")};
  out.words = {{.name = "bob@example.net", .server = "mx.example.net", .said = "550 5.1.1 no such user"}};
  out.original = read(kMessage);
  return out;
}

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

void expect_lines(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find_first_of("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    ASSERT_EQ(text.substr(end, 2), "\r\n");
    ASSERT_LE(end - begin, 998u);
    begin = end + 2;
  }
}

TEST(DsnReport, TellsAPersonFirstAndThenMachines) {
  EXPECT_EQ(write_report(failure()).text,
            "From: Mail Delivery System <MAILER-DAEMON@mx.test>\r\n"
            "To: alice@example.com\r\n"
            "Subject: Your message could not be delivered\r\n"
            "Date: Sat, 24 Oct 2026 12:00:00 +0000\r\n"
            "Message-ID: <0123456789abc@mx.test>\r\n"
            "In-Reply-To: <1@example.com>\r\n"
            "References: <1@example.com>\r\n"
            "Auto-Submitted: auto-replied\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status;\r\n"
            " boundary=\"=_0123456789abc_0\"\r\n"
            "Content-Transfer-Encoding: 8bit\r\n"
            "\r\n"
            "--=_0123456789abc_0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n"
            "\r\n"
            "This is the mail server mx.test.\r\n"
            "\r\n"
            "Your message could not be delivered to this recipient. It will not be tried\r\n"
            "again.\r\n"
            "\r\n"
            "<bob@example.net>\r\n"
            "    The server mx.example.net said:\r\n"
            "        550 5.1.1 no such user\r\n"
            "    What you can do:\r\n"
            "        Check the address: nobody has it there. It may be misspelt, or no\r\n"
            "        longer in use.\r\n"
            "\r\n"
            "The subject of your message: H\u00E9llo\r\n"
            "This server took it on Sat, 24 Oct 2026 11:59:00 +0000.\r\n"
            "It is attached, behind a part that is meant for programs.\r\n"
            "\r\n"
            "--=_0123456789abc_0\r\n"
            "Content-Type: message/delivery-status\r\n"
            "\r\n"
            "Reporting-MTA: dns; mx.test\r\n"
            "Arrival-Date: Sat, 24 Oct 2026 11:59:00 +0000\r\n"
            "\r\n"
            "Final-Recipient: rfc822; bob@example.net\r\n"
            "Action: failed\r\n"
            "Status: 5.1.1\r\n"
            "Remote-MTA: dns; mx.example.net\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
            "\r\n"
            "--=_0123456789abc_0\r\n"
            "Content-Type: message/rfc822\r\n"
            "\r\n" +
                std::string(kMessage) +
                "\r\n"
                "--=_0123456789abc_0--\r\n");
}

TEST(DsnReport, SaysUntilWhenDelayedMailIsTried) {
  Report report = failure();
  report.kind = Kind::delay;
  report.status.recipients[0].action = Action::delayed;
  report.status.recipients[0].will_retry_until = kNoon;
  report.original = read(kMessage, Wanted::headers);
  const std::string text = write_report(report).text;
  EXPECT_TRUE(has(text, "Subject: Your message is delayed\r\n"));
  EXPECT_TRUE(has(text, "It is tried until Sat, 24 Oct 2026 12:00:00 +0000."));
  EXPECT_TRUE(has(text, "Will-Retry-Until: Sat, 24 Oct 2026 12:00:00 +0000\r\n"));
  EXPECT_FALSE(has(text, "What you can do"));
  EXPECT_TRUE(has(text,
                  "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <1@example.com>\r\n"
                  "Subject: =?utf-8?q?H=C3=A9llo?=\r\n\r\n--="));
}

TEST(DsnReport, NamesTheKindOfSuccess) {
  Report report = failure();
  report.kind = Kind::success;
  report.status.recipients[0].action = Action::delivered;
  EXPECT_TRUE(has(write_report(report).text, "Subject: Your message was delivered\r\n"));
  EXPECT_TRUE(has(explain(report), "It was put into the mailbox.\n"));
  report.status.recipients[0].action = Action::relayed;
  EXPECT_TRUE(has(write_report(report).text, "Subject: Your message was passed on\r\n"));
  EXPECT_TRUE(has(explain(report), "It was handed to the next server"));
  report.status.recipients[0].action = Action::expanded;
  EXPECT_TRUE(has(explain(report), "the addresses that stand behind this one"));
}

TEST(DsnReport, IsPureAsciiWhereItCanBe) {
  Report report = failure();
  report.original = read("Subject: hello\r\n\r\nbody\r\n");
  const Written written = write_report(report);
  EXPECT_FALSE(written.eight_bit);
  EXPECT_TRUE(base::is_ascii(written.text));
  EXPECT_FALSE(has(written.text, "Content-Transfer-Encoding"));
  EXPECT_FALSE(has(written.text, "In-Reply-To"));
}

TEST(DsnReport, MarksOnlyThePartsWithEightBits) {
  Report report = failure();
  report.original = read("Subject: hello\r\n\r\ngr\xFC\xDF\r\n");
  const Written written = write_report(report);
  EXPECT_TRUE(written.eight_bit);
  EXPECT_TRUE(has(written.text, "Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
  EXPECT_TRUE(has(written.text, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
}

TEST(DsnReport, UsesTheInternationalFormsForWhoSentWithSmtputf8) {
  Report report = failure();
  report.sender = "j\u00FC@b\u00FCcher.test";
  report.status.recipients[0].final = {"utf-8", "b\u00F6b@b\u00FCcher.test"};
  report.original = read("Subject: h\u00E9llo\r\n\r\nbody\r\n");
  EXPECT_TRUE(has(write_report(report).text, "Content-Type: message/rfc822\r\n"));
  EXPECT_TRUE(has(write_report(report).text, "Final-Recipient: utf-8; b\\x{F6}b@b\\x{FC}cher.test\r\n"));
  report.smtputf8 = true;
  const std::string text = write_report(report).text;
  EXPECT_TRUE(has(text, "To: j\u00FC@b\u00FCcher.test\r\n"));
  EXPECT_TRUE(
      has(text, "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"));
  EXPECT_TRUE(has(text, "Final-Recipient: utf-8; b\u00F6b@b\u00FCcher.test\r\n"));
  EXPECT_TRUE(has(text, "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n"));
  report.original = read("Subject: h\u00E9llo\r\n\r\nbody\r\n", Wanted::headers);
  EXPECT_TRUE(has(write_report(report).text, "Content-Type: message/global-headers\r\n"));
}

TEST(DsnReport, TakesABoundaryThatTheOriginalHasNot) {
  Report report = failure();
  report.original = read("Subject: x\r\n\r\n--=_0123456789abc_0--\r\n--=_0123456789abc_10\r\n");
  const std::string text = write_report(report).text;
  EXPECT_TRUE(has(text, " boundary=\"=_0123456789abc_2\"\r\n"));
}

TEST(DsnReport, KeepsItsLinesWhateverStrangersSaid) {
  Report report = failure();
  report.words[0] = {.name = std::string(3000, 'a') + "\r\n\xFF",
                     .server = "mx\r\nX: y\0",
                     .said = "550 one\ntwo\r.\r\n" + std::string(3000, 'b')};
  report.sender = "alice@example.com\r\nBcc: eve@example.com";
  expect_lines(write_report(report).text);
  EXPECT_FALSE(has(write_report(report).text, "\r\nBcc:"));
  EXPECT_FALSE(has(write_report(report).text, "\r\nX:"));
}

TEST(DsnOriginal, ComesBackWholeWhereItIsShort) {
  const Original original = read(kMessage);
  EXPECT_EQ(original.part, Original::Part::full);
  EXPECT_EQ(original.header + "\r\n" + original.body, kMessage);
  EXPECT_EQ(read("A: 1\r\n").part, Original::Part::full);
  EXPECT_EQ(read("A: 1\r\n\r\n").body, "");
  EXPECT_EQ(read("A: 1\r\n\r\nno line end").body, "no line end\r\n");
}

TEST(DsnOriginal, HasAtMost50KibOfBodyInWholeLines) {
  const std::string line = std::string(98, 'x') + "\r\n";
  std::string body;
  while (body.size() + line.size() <= 50 * 1024) body += line;
  const Original whole = read("A: 1\r\n\r\n" + body);
  EXPECT_EQ(whole.part, Original::Part::full);
  EXPECT_TRUE(whole.body == body);
  std::string longer = body;
  for (int i = 0; i < 3000; ++i) longer += line;
  const Original cut = read("A: 1\r\n\r\n" + longer);
  EXPECT_EQ(cut.part, Original::Part::start);
  EXPECT_TRUE(cut.body == body);
  Report report = failure();
  report.original = cut;
  EXPECT_TRUE(has(explain(report), "Its beginning is attached"));
}

TEST(DsnOriginal, IsItsHeaderWhereTheBodyIsNotOfLines) {
  EXPECT_EQ(read("A: 1\r\n\r\n" + std::string(999, 'x') + "\r\n").part, Original::Part::headers);
  EXPECT_EQ(read("A: 1\r\n\r\n" + std::string(998, 'x') + "\r\n").part, Original::Part::full);
  EXPECT_EQ(read(std::string_view("A: 1\r\n\r\na\0b\r\n", 13)).part, Original::Part::headers);
  EXPECT_EQ(read("A: 1\r\n\r\na\rb\r\n").part, Original::Part::headers);
  EXPECT_EQ(read("A: 1\r\n\r\na\nb\r\n").part, Original::Part::headers);
}

TEST(DsnOriginal, HasAHeaderOfLinesThatFit) {
  const Original original =
      read("A: " + std::string(2000, 'x') + "\r\nB: 1\r\n\r\nbody\r\n", Wanted::headers);
  EXPECT_EQ(original.header, "A: " + std::string(995, 'x') + "\r\nB: 1\r\n");
  EXPECT_EQ(original.part, Original::Part::headers);
  EXPECT_EQ(original.body, "");
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "Received: from here\r\n";
  const Original large = read(many + "\r\nbody\r\n");
  EXPECT_EQ(large.part, Original::Part::headers);
  EXPECT_LE(large.header.size(), 66u * 1024);
  EXPECT_TRUE(large.header.ends_with("here\r\n"));
}

}  // namespace
}  // namespace postrider::wire::dsn
