#include "wire/smtp/command.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace postrider::wire::smtp {
namespace {

std::string code(std::string_view line, const CommandRules& rules = {}) {
  const auto parsed = parse_command(line, rules);
  if (parsed) return std::string(verb_name(*parsed));
  return std::to_string(parsed.error().code) + ' ' + parsed.error().enhanced.value().to_string();
}

template <class T>
T parse(std::string_view line, const CommandRules& rules = {}) {
  return std::get<T>(parse_command(line, rules).value());
}

TEST(Command, RefusesALineOf513OctetsWhereNoExtensionMakesItLonger) {
  EXPECT_EQ(code("NOOP " + std::string(505, 'x')), "NOOP");
  EXPECT_EQ(code("NOOP " + std::string(506, 'x')), "554 5.5.2");
  EXPECT_EQ(code("HELO " + std::string(506, 'x')), "554 5.5.2");
  EXPECT_EQ(code(std::string(511, 'x')), "554 5.5.2");
  EXPECT_EQ(code("mail FROM:<a@b>" + std::string(1000, ' ')), "MAIL");
  EXPECT_EQ(code("RCPT TO:<a@b>" + std::string(1000, ' ')), "RCPT");
}

TEST(Command, KnowsEveryVerbInAnyCase) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kLines = {
      {{"HeLo a", "HELO"},
       {"ehlo a", "EHLO"},
       {"lhlo a", "LHLO"},
       {"mail from:<>", "MAIL"},
       {"rcpt to:<a@b>", "RCPT"},
       {"data", "DATA"},
       {"bdat 1", "BDAT"},
       {"rset", "RSET"},
       {"noop", "NOOP"},
       {"quit", "QUIT"},
       {"help", "HELP"},
       {"vrfy a", "VRFY"},
       {"expn a", "EXPN"},
       {"starttls", "STARTTLS"},
       {"auth plain", "AUTH"},
       {"xclient name=a", "XCLIENT"}}};
  for (const auto& [line, verb] : kLines) EXPECT_EQ(code(line), verb);
}

TEST(Command, ThatIsUnknownIs500) {
  for (const auto* line : {"WHATISTHIS", "MAILFROM:<>", "QUITX", "DATA\x01", "\xFF"})
    EXPECT_EQ(code(line), "500 5.5.1");
  for (const auto* line : {"", " ", " QUIT"}) EXPECT_EQ(code(line), "500 5.5.2") << line;
}

TEST(Command, GreetingTakesTheFirstWordWhateverItIs) {
  EXPECT_EQ(parse<Ehlo>("EHLO mx.example.com").name, "mx.example.com");
  EXPECT_EQ(parse<Helo>("HELO  [IPv6:::1]  and more").name, "[IPv6:::1]");
  EXPECT_EQ(parse<Ehlo>("EHLO J\xFCrgens_PC").name, "J?rgens_PC");
  EXPECT_EQ(parse<Lhlo>("LHLO " + std::string(255, 'a')).name.size(), 255u);
  EXPECT_EQ(code("EHLO " + std::string(256, 'a')), "501 5.5.4");
  for (const auto* line : {"EHLO", "HELO ", "EHLO a\x01z", "EHLO \x7f"})
    EXPECT_EQ(code(line), "501 5.5.4") << line;
}

TEST(Command, MailTakesAReversePathAndParameters) {
  EXPECT_TRUE(parse<Mail>("MAIL FROM:<>").reverse_path.is_null());
  EXPECT_EQ(parse<Mail>("MAIL FROM: <a@b.c>").reverse_path.to_string(), "a@b.c");
  EXPECT_EQ(parse<Mail>("MAIL  from:a@b.c SIZE=7").reverse_path.to_string(), "a@b.c");
  EXPECT_EQ(parse<Mail>("MAIL FROM:a@b.c SIZE=7").size, 7u);
  EXPECT_EQ(code("MAIL LALA: <>"), "500 5.5.2");
  EXPECT_EQ(code("MAIL FROM:"), "500 5.5.2");
  EXPECT_EQ(code("MAIL FROM: "), "500 5.5.2");
  EXPECT_EQ(code("MAIL"), "500 5.5.2");
  EXPECT_EQ(code("MAIL FROM:<pepe>"), "501 5.1.7");
  EXPECT_EQ(code("MAIL FROM:<a@xn--->"), "501 5.1.8");
  EXPECT_EQ(code("MAIL FROM:<a@b> FOO"), "555 5.5.4");
}

TEST(Command, RcptTakesAForwardPathAndParameters) {
  const auto command = parse<Rcpt>("RCPT TO:<\"a b\"@c> NOTIFY=NEVER");
  EXPECT_EQ(std::get<mail::Address>(command.forward_path).local(), "a b");
  EXPECT_TRUE(command.notify.never());
  EXPECT_TRUE(std::holds_alternative<mail::Postmaster>(parse<Rcpt>("RCPT TO:<Postmaster>").forward_path));
  EXPECT_EQ(code("RCPT LALA: <>"), "500 5.5.2");
  EXPECT_EQ(code("RCPT TO:"), "500 5.5.2");
  EXPECT_EQ(code("RCPT TO:<>"), "501 5.1.3");
  EXPECT_EQ(code("RCPT TO:<a@xn--->"), "501 5.1.2");
  EXPECT_EQ(code("RCPT TO:<a@b> FOO=1"), "555 5.5.4");
}

TEST(Command, Utf8InAPathNeedsSmtputf8) {
  EXPECT_EQ(code("MAIL FROM:<josé@b.c>"), "550 5.6.7");
  EXPECT_EQ(code("MAIL FROM:<a@ñandú.c>"), "550 5.6.7");
  EXPECT_EQ(parse<Mail>("MAIL FROM:<josé@b.c> SMTPUTF8").reverse_path.address().local(), "josé");
  EXPECT_EQ(code("MAIL FROM:<josé@b.c> SMTPUTF8", {.extensions = true, .smtputf8 = false}), "555 5.5.4");
  EXPECT_EQ(code("RCPT TO:<henryⅣ@testserver>", {.extensions = true, .smtputf8 = false}), "550 5.6.7");
  EXPECT_EQ(code("RCPT TO:<henryⅣ@testserver>"), "RCPT");
  EXPECT_EQ(code("RCPT TO:<henry\xE2@testserver>"), "501 5.1.3");
}

TEST(Command, WithoutArgumentsRefusesThem) {
  for (const auto* line : {"DATA x", "RSET x", "QUIT now", "STARTTLS 1"})
    EXPECT_EQ(code(line), "501 5.5.4") << line;
  for (const auto* line : {"DATA ", "QUIT \t"}) EXPECT_EQ(code(line).size(), 4u) << line;
  EXPECT_EQ(code("NOOP whatever \x01"), "NOOP");
}

TEST(Command, WithAnArgumentMissesIt) {
  for (const auto* line : {"VRFY", "EXPN ", "AUTH", "XCLIENT", "BDAT"})
    EXPECT_EQ(code(line), "501 5.5.4") << line;
  EXPECT_EQ(parse<Vrfy>("VRFY Bob Smith ").what, "Bob Smith");
  EXPECT_EQ(parse<Help>("HELP mail").topic, "mail");
  EXPECT_EQ(parse<Help>("HELP").topic, "");
}

TEST(Command, BdatTakesASizeAndLast) {
  EXPECT_EQ(parse<Bdat>("BDAT 0").size, 0u);
  EXPECT_FALSE(parse<Bdat>("BDAT 0").last);
  EXPECT_TRUE(parse<Bdat>("BDAT 18446744073709551615 last").last);
  EXPECT_EQ(parse<Bdat>("BDAT 18446744073709551615 LAST").size, 18446744073709551615u);
  for (const auto* line : {"BDAT x", "BDAT -1", "BDAT +1", "BDAT 1x", "BDAT LAST", "BDAT 1 LAST 2",
                           "BDAT 1 FIRST", "BDAT 18446744073709551616"})
    EXPECT_EQ(code(line), "501 5.5.4") << line;
}

TEST(Command, AuthTakesAMechanismAndAnInitialResponse) {
  EXPECT_EQ(parse<Auth>("AUTH scram-sha-256").mechanism, "SCRAM-SHA-256");
  EXPECT_FALSE(parse<Auth>("AUTH PLAIN").initial);
  EXPECT_EQ(parse<Auth>("AUTH PLAIN =").initial, "=");
  EXPECT_EQ(parse<Auth>("AUTH PLAIN AGEAYg==").initial, "AGEAYg==");
  for (const auto* line : {"AUTH PLAIN a b", "AUTH PL/AIN", "AUTH ABCDEFGHIJKLMNOPQRSTU"})
    EXPECT_EQ(code(line), "501 5.5.4") << line;
}

TEST(Command, XclientTakesAttributes) {
  const auto command =
      parse<Xclient>("XCLIENT name=mx.example ADDR=192.0.2.1 PORT=25 HELO=[UNAVAILABLE] LOGIN=a+40b");
  EXPECT_EQ(command.name, "mx.example");
  EXPECT_EQ(command.addr, "192.0.2.1");
  EXPECT_EQ(command.port, "25");
  EXPECT_EQ(command.helo, "");
  EXPECT_EQ(command.login, "a@b");
  EXPECT_FALSE(command.proto);
  const auto rest = parse<Xclient>("XCLIENT PROTO=ESMTP DESTADDR=IPv6:::1 DESTPORT=[tempunavail]");
  EXPECT_EQ(rest.proto, "ESMTP");
  EXPECT_EQ(rest.destaddr, "IPv6:::1");
  EXPECT_EQ(rest.destport, "");
  for (const auto* line :
       {"XCLIENT FOO=1", "XCLIENT NAME", "XCLIENT NAME=", "XCLIENT NAME=a NAME=b", "XCLIENT NAME=+0A"})
    EXPECT_EQ(code(line), "501 5.5.4") << line;
}

TEST(Command, OfAWebClientIsToldSo) {
  for (const auto* line : {"GET /evil HTTP/1.1", "POST /evil HTTP/1.1", "CONNECT www.example:80 HTTP/1.1"}) {
    EXPECT_TRUE(is_http(line));
    EXPECT_EQ(code(line), "502 5.7.0");
  }
  EXPECT_FALSE(is_http("EHLO /"));
  EXPECT_EQ(code("GET"), "500 5.5.1");
}

}  // namespace
}  // namespace postrider::wire::smtp
