#include "policy/trace.hpp"

#include <gmock/gmock.h>

namespace postrider::policy {
namespace {

using testing::HasSubstr;
using testing::Not;

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }
const mail::Domain kHost = *mail::Domain::parse("mx.example");

mail::Recipient recipient(std::string_view original, std::string_view final) {
  return {.original = address(original),
          .alias = {},
          .final = address(final),
          .orcpt = {},
          .notify = {},
          .last = {}};
}

mail::Envelope envelope() {
  mail::Envelope envelope;
  envelope.origin.client = base::IpAddress::parse("192.0.2.7");
  envelope.origin.helo = "mail.else.example";
  envelope.origin.client_name = "host7.else.example";
  envelope.origin.protocol = "ESMTP";
  envelope.received = base::UtcTime(base::Milliseconds(1795312167123));
  envelope.recipients = {recipient("alice@a.example", "alice@a.example")};
  return envelope;
}

const base::MessageId kId{3765042000000000000};

std::string received(const mail::Envelope& of) { return received_field(of, kId, kHost); }

std::size_t longest_line(const std::string& field) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at < field.size();) {
    const auto end = field.find("\r\n", at);
    longest = std::max(longest, end - at);
    at = end + 2;
  }
  return longest;
}

TEST(ReceivedField, TellsWhoGaveTheMailToWhomAndWhen) {
  EXPECT_EQ(received(envelope()),
            "Received: from mail.else.example (host7.else.example [192.0.2.7])\r\n"
            "\tby mx.example (Postrider) with ESMTP id " +
                kId.to_string() +
                "\r\n"
                "\tfor <alice@a.example>;\r\n"
                "\t" +
                base::to_rfc5322(envelope().received) + "\r\n");
}

TEST(ReceivedField, NamesTheUserOfALocalProgram) {
  auto e = envelope();
  e.origin = {};
  e.origin.uid = 0;
  EXPECT_EQ(received(e), "Received: by mx.example (Postrider, from userid 0) id " + kId.to_string() +
                             "\r\n\tfor <alice@a.example>;\r\n\t" + base::to_rfc5322(e.received) + "\r\n");
}

// RFC 6710
TEST(ReceivedField, TellsThePriorityWhereThereIsOne) {
  auto e = envelope();
  e.priority = -3;
  EXPECT_THAT(received(e), HasSubstr("\tfor <alice@a.example> PRIORITY -3;\r\n"));
  e.priority = 0;
  EXPECT_THAT(received(e), Not(HasSubstr("PRIORITY")));
}

TEST(ReceivedField, WritesAnIpv6ClientAsALiteral) {
  auto e = envelope();
  e.origin.client = base::IpAddress::parse("2001:db8::7");
  e.origin.client_name.clear();
  e.origin.helo = "[IPv6:2001:db8::7]";
  EXPECT_THAT(received(e),
              testing::StartsWith("Received: from [IPv6:2001:db8::7] ([IPv6:2001:db8::7])\r\n\tby "));
}

TEST(ReceivedField, NamesTheRecipientOnlyWhereThereWasOneRcpt) {
  auto e = envelope();
  e.recipients = {recipient("info@a.example", "alice@a.example"),
                  recipient("info@a.example", "bob@a.example")};
  EXPECT_THAT(received(e), HasSubstr("\r\n\tfor <info@a.example>;\r\n"));
  e.recipients.push_back(recipient("carol@a.example", "carol@a.example"));
  EXPECT_THAT(received(e), Not(HasSubstr("for")));
  EXPECT_THAT(received(e), HasSubstr(" id " + kId.to_string() + ";\r\n\t"));
  e.recipients.clear();
  EXPECT_THAT(received(e), Not(HasSubstr("for")));
}

TEST(ReceivedField, HoldsNothingThatAHeloCouldBreakItWith) {
  auto e = envelope();
  e.origin.helo = "a b\r\nX: (y); \"\\<>\xC3\xBC_\x7F";
  EXPECT_THAT(received(e), testing::StartsWith("Received: from a?b??X:??y?????????_? ("));
  e.origin.helo.clear();
  EXPECT_THAT(received(e), testing::StartsWith("Received: from ? ("));
  e.origin.client_name = "evil) by x";
  EXPECT_THAT(received(e), HasSubstr("from ? ([192.0.2.7])\r\n"));
}

TEST(ReceivedField, FoldsLongLines) {
  auto e = envelope();
  e.origin.helo = "a-host-with-a-long-name.in-a-domain-with-a-long-name.example";
  EXPECT_LE(longest_line(received(e)), 78u);
  e.origin.helo = std::string(2000, 'h');
  e.origin.client_name =
      std::string(60, 'a') + '.' + std::string(60, 'b') + '.' + std::string(60, 'c') + ".example";
  e.recipients = {recipient("\"" + std::string(30, ' ') + "\"@" + e.origin.client_name, "alice@a.example")};
  EXPECT_LE(longest_line(received(e)), 330u);
}

TEST(ReceivedField, KeepsUtf8ForSmtpUtf8) {
  auto e = envelope();
  e.recipients = {recipient("jürgen@bücher.example", "alice@a.example")};
  e.smtputf8 = true;
  e.origin.protocol = "UTF8SMTP";
  EXPECT_THAT(received(e), HasSubstr("with UTF8SMTP id"));
  EXPECT_THAT(received(e), HasSubstr("for <jürgen@bücher.example>;"));
  e.recipients = {recipient("x@bücher.example", "alice@a.example")};
  e.smtputf8 = false;
  EXPECT_THAT(received(e), HasSubstr("for <x@xn--bcher-kva.example>;"));
}

TEST(ReceivedField, TellsTheVersionAndTheCipherOfTls) {
  auto e = envelope();
  e.origin.protocol = "ESMTPS";
  e.origin.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  std::string words = received(e);
  for (auto at = words.find("\r\n\t"); at != std::string::npos; at = words.find("\r\n\t"))
    words.replace(at, 3, " ");
  EXPECT_THAT(words,
              HasSubstr(" with ESMTPS (TLSv1.3) id " + kId.to_string() + " tls TLS_AES_256_GCM_SHA384 for "));
  EXPECT_LE(longest_line(received(e)), 78u);
}

TEST(ReceivedField, HasNoFromInMailOfOurOwn) {
  auto e = envelope();
  e.origin = {};
  EXPECT_THAT(received(e), testing::StartsWith("Received: by mx.example (Postrider) id "));
}

TEST(ReturnPathField, NamesTheSenderOrNobody) {
  EXPECT_EQ(return_path_field(mail::ReversePath(address("\"a b\"@else.example"))),
            "Return-Path: <\"a b\"@else.example>\r\n");
  EXPECT_EQ(return_path_field(mail::ReversePath()), "Return-Path: <>\r\n");
}

TEST(DeliveredToField, NamesTheMailbox) {
  EXPECT_EQ(delivered_to_field(address("Alice+x@bücher.example")),
            "Delivered-To: Alice+x@xn--bcher-kva.example\r\n");
}

}  // namespace
}  // namespace postrider::policy
