#include "wire/dsn/delivery_status.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::dsn {
namespace {

using base::EnhancedCode;
using base::UtcTime;
using std::chrono::seconds;

constexpr UtcTime kNoon{seconds(1'792'843'200)};  // Sat, 24 Oct 2026 12:00:00 +0000

DeliveryStatus full() {
  return {.original_envelope_id = "QQ314159",
          .reporting_mta = {"dns", "mx.test"},
          .received_from_mta = Typed{"dns", "client.test"},
          .arrival = kNoon,
          .deliver_by = kNoon + seconds(60),
          .future_release = kNoon + seconds(30),
          .recipients = {{.original = Typed{"rfc822", "info@example.net"},
                          .final = {"rfc822", "bob@example.net"},
                          .action = Action::failed,
                          .status = EnhancedCode{5, 1, 1},
                          .remote_mta = Typed{"dns", "mx.example.net"},
                          .diagnostic = Typed{"smtp", "550 5.1.1 no such user"},
                          .last_attempt = kNoon + seconds(1),
                          .final_log_id = "0123456789abc",
                          .will_retry_until = {}},
                         {.original = {},
                          .final = {"rfc822", "carol@example.net"},
                          .action = Action::delayed,
                          .status = EnhancedCode{4, 4, 1},
                          .remote_mta = {},
                          .diagnostic = {},
                          .last_attempt = {},
                          .final_log_id = {},
                          .will_retry_until = kNoon + std::chrono::days(5)}}};
}

constexpr std::string_view kFull =
    "Original-Envelope-Id: QQ314159\r\n"
    "Reporting-MTA: dns; mx.test\r\n"
    "Received-From-MTA: dns; client.test\r\n"
    "Arrival-Date: Sat, 24 Oct 2026 12:00:00 +0000\r\n"
    "Deliver-By-Date: Sat, 24 Oct 2026 12:01:00 +0000\r\n"
    "Future-Release-Request: until;2026-10-24T12:00:30Z\r\n"
    "\r\n"
    "Original-Recipient: rfc822; info@example.net\r\n"
    "Final-Recipient: rfc822; bob@example.net\r\n"
    "Action: failed\r\n"
    "Status: 5.1.1\r\n"
    "Remote-MTA: dns; mx.example.net\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
    "Last-Attempt-Date: Sat, 24 Oct 2026 12:00:01 +0000\r\n"
    "Final-Log-ID: 0123456789abc\r\n"
    "\r\n"
    "Final-Recipient: rfc822; carol@example.net\r\n"
    "Action: delayed\r\n"
    "Status: 4.4.1\r\n"
    "Will-Retry-Until: Thu, 29 Oct 2026 12:00:00 +0000\r\n";

DeliveryStatus of(Recipient recipient) {
  return {.original_envelope_id = {},
          .reporting_mta = {"dns", "mx.test"},
          .received_from_mta = {},
          .arrival = {},
          .recipients = {std::move(recipient)}};
}

Recipient to(std::string type, std::string text) {
  Recipient out;
  out.final = {std::move(type), std::move(text)};
  out.status = {5, 0, 0};
  return out;
}

TEST(DeliveryStatus, IsWrittenInTheOrderOfTheRfc) { EXPECT_EQ(encode(full(), Form::ascii), kFull); }

TEST(DeliveryStatus, IsReadBackAsItWasWritten) {
  EXPECT_EQ(parse_delivery_status(encode(full(), Form::ascii)), full());
  EXPECT_EQ(parse_delivery_status(encode(full(), Form::global)), full());
}

TEST(DeliveryStatus, WritesAnInternationalAddressInEitherForm) {
  auto status = of(to("utf-8", "j\u00FCrgen+list@b\u00FCcher.test"));
  status.recipients[0].original = Typed{"utf-8", "j\u00FC@b\u00FCcher.test"};
  EXPECT_TRUE(needs_global(status));
  EXPECT_FALSE(needs_global(full()));
  const std::string ascii = encode(status, Form::ascii);
  EXPECT_NE(ascii.find("Final-Recipient: utf-8; j\\x{FC}rgen\\x{2B}list@b\\x{FC}cher.test\r\n"),
            std::string::npos)
      << ascii;
  const std::string global = encode(status, Form::global);
  EXPECT_NE(global.find("Original-Recipient: utf-8; j\u00FC@b\u00FCcher.test\r\n"), std::string::npos)
      << global;
  EXPECT_EQ(parse_delivery_status(ascii), status);
  EXPECT_EQ(parse_delivery_status(global), status);
}

TEST(DeliveryStatus, LetsNobodyAddALine) {
  auto recipient = to("rfc822\r\nAction", "bob@example.net\r\nAction: delivered\r\n\r\nFinal-Recipient: a");
  recipient.diagnostic = Typed{"smtp", std::string("550 a\0b\x7F\xFF\xC3\xBC\n\nc", 15)};
  const std::string text = encode(of(recipient), Form::ascii);
  EXPECT_EQ(text,
            "Reporting-MTA: dns; mx.test\r\n\r\n"
            "Final-Recipient: rfc822action; bob@example.net  Action:\r\n delivered    Final-Recipient: a\r\n"
            "Action: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 a b ???  c\r\n");
  EXPECT_EQ(parse_delivery_status(text)->recipients.size(), 1u);
}

TEST(DeliveryStatus, FoldsAndCutsLongValues) {
  auto recipient = to("rfc822", std::string(2000, 'a'));
  std::string words;
  for (int i = 0; i < 300; ++i) words += "word" + std::to_string(i) + ' ';
  recipient.diagnostic = Typed{"smtp", words};
  const std::string text = encode(of(recipient), Form::ascii);
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find("\r\n", begin);
    EXPECT_LE(end - begin, 998u);
    EXPECT_TRUE(end - begin <= 78 || text.substr(begin, 3) == " aa") << end - begin;
    begin = end + 2;
  }
  const auto read = parse_delivery_status(text)->recipients[0];
  EXPECT_EQ(read.final.text, std::string(840, 'a'));
  EXPECT_EQ(read.diagnostic->text, words.substr(0, 840));
}

TEST(DeliveryStatus, ReadsWhatOthersWrite) {
  const auto status = parse_delivery_status(
      "Reporting-MTA: mx.test\n"
      "X-Other: 1\n"
      "\n"
      "\n"
      "final-recipient:RFC822;<bob@example.net>\n"
      "ACTION: Failed (expired)\n"
      "Status: 5.1.1 (no such user)\n"
      "Diagnostic-Code: smtp; 550\n"
      "\t5.1.1 gone\n"
      "\n"
      "Original-Recipient: rfc822; carol@example.net\n"
      "Action: delayed\n"
      "Diagnostic-Code: 450-4.2.2 full\n"
      "\n"
      "Final-Recipient: rfc822; dave@example.net\n"
      "\n"
      "Final-Recipient: rfc822; erin@example.net\n"
      "Action: eaten\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->reporting_mta, (Typed{"dns", "mx.test"}));
  ASSERT_EQ(status->recipients.size(), 2u);
  const auto& [bob, carol] = std::tie(status->recipients[0], status->recipients[1]);
  EXPECT_EQ(bob.final, (Typed{"rfc822", "bob@example.net"}));
  EXPECT_EQ(bob.action, Action::failed);
  EXPECT_EQ(bob.status, (EnhancedCode{5, 1, 1}));
  EXPECT_EQ(bob.diagnostic, (Typed{"smtp", "550 5.1.1 gone"}));
  EXPECT_EQ(carol.final.text, "carol@example.net");
  EXPECT_EQ(carol.action, Action::delayed);
  EXPECT_EQ(carol.status, (EnhancedCode{4, 2, 2}));
}

TEST(DeliveryStatus, WithoutARecipientIsNone) {
  EXPECT_FALSE(parse_delivery_status(""));
  EXPECT_FALSE(parse_delivery_status("Reporting-MTA: dns; mx.test\r\n\r\n"));
}

TEST(DeliveryStatus, IsFoundInAMessage) {
  const std::string_view message =
      "Content-Type: multipart/report;\n boundary=\"a\"\n\n--a\nContent-Type: multipart/mixed; "
      "boundary=ab\n\n"
      "--ab\n\nhello\n--ab--\n--a\nContent-Type: Message/Delivery-Status\n\nAction: failed\n\nx\n--a--\n";
  EXPECT_EQ(find_delivery_status(message), "Action: failed\n\nx");
  EXPECT_FALSE(find_delivery_status("Content-Type: text/plain\n\nAction: failed\n"));
}

}  // namespace
}  // namespace postrider::wire::dsn
