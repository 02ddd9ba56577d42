#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/verify_report.hpp"

namespace postrider::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

VerifyReport report() {
  VerifyReport report{.name = "a.eml",
                      .size = 2048,
                      .notes = {},
                      .facts = {.client = *base::IpAddress::parse("192.0.2.1"),
                                .helo = "mail.example.com",
                                .reverse_path = mail::ReversePath(*mail::Address::parse("joe@example.com")),
                                .receiver = *mail::Domain::parse("mx.test"),
                                .now = {}},
                      .findings = {},
                      .dns = {},
                      .advice = {}};
  report.findings.authors = {"example.com"};
  report.findings.iprev = {policy::IprevResult::pass, {"mail.example.com"}, "192.0.2.1 is mail.example.com"};
  report.findings.helo.reason = "mail.example.com has no SPF record";
  report.findings.mail_from.result = policy::SpfResult::fail;
  report.findings.mail_from.reason = "192.0.2.1 matches -all of example.com";
  report.findings.mail_from.trace = {{0, "example.com", "v=spf1 include:a.example -all", "record"},
                                     {1, "a.example", "v=spf1 mx -all", "record"},
                                     {1, "a.example", "mx", "no match"},
                                     {0, "example.com", "-all", "match"}};
  report.findings.dmarc.reason = "example.com has no DMARC record, nor has a domain above it";
  report.advice = {{true, "SPF", "One two three."}, {false, "DMARC", "Four."}};
  report.dns = {{"TXT", "example.com", {"v=spf1 -all", "other"}, "", true},
                {"A", "x.example.com", {}, "nxdomain", false}};
  return report;
}

TEST(VerifyText, PutsEachFindingInARowWithItsRecordsBelow) {
  const std::string text = verify_text(report(), 90);
  EXPECT_THAT(text, HasSubstr("Message   a.eml, 2.0 KiB, From: example.com\n"
                              "Client    192.0.2.1, HELO mail.example.com, MAIL FROM:<joe@example.com>\n\n"
                              "iprev     pass        192.0.2.1 is mail.example.com\n"
                              "HELO      none        mail.example.com has no SPF record\n"
                              "SPF       fail        192.0.2.1 matches -all of example.com\n"
                              "                      example.com has \"v=spf1 include:a.example -all\"\n"
                              "                        a.example has \"v=spf1 mx -all\"\n"
                              "                          mx                      no match\n"
                              "                        -all                    match\n"
                              "DKIM      none        the message has no signature\n"
                              "ARC       none        nobody who passed the message on has sealed it\n"));
  EXPECT_THAT(text, HasSubstr("\nWhat the sender would have to change\n  SPF     One two three.\n"
                              "\nWhat could be better\n  DMARC   Four.\n"
                              "\nWhat the DNS said to 2 questions\n"
                              "  TXT   example.com    \"v=spf1 -all\" (DNSSEC)\n"
                              "                       \"other\" (DNSSEC)\n"
                              "  A     x.example.com  no such name (nxdomain)\n"));
}

TEST(VerifyText, WrapsWordsAndLeavesRecordsWhole) {
  auto long_one = report();
  long_one.findings.iprev.reason =
      std::string("word ") + std::string(30, 'x') + " word word word word word word";
  long_one.findings.mail_from.trace = {{0, "example.com", std::string(200, 'r'), "record"}};
  const std::string text = verify_text(long_one, 60);
  EXPECT_THAT(text, HasSubstr("iprev     pass        word " + std::string(30, 'x') +
                              "\n                      word word word word word word\n"));
  EXPECT_THAT(text, HasSubstr("example.com has \"" + std::string(200, 'r') + "\"\n"));
}

TEST(VerifyText, SaysWhatWasNotCheckedAndLetsNoTerminalBeCommanded) {
  auto unknown = report();
  unknown.facts.unknown = {.client = true, .helo = true, .reverse_path = true};
  unknown.name = "\x1b[2Ja\nb";
  unknown.dns = {{"TXT", "a\x1b.example", {"\x1b[2J"}, "", false}};
  policy::DkimResult signature;
  signature.verdict.why = "\x1b[2J";
  signature.verdict.record = "\x1b[2J";
  unknown.findings.dkim = {signature};
  unknown.findings.arc.hops = {{"\x1b.example", "\x1b[2J\r\n\tx"}};
  const std::string text = verify_text(unknown, 90);
  EXPECT_THAT(text, HasSubstr("iprev     not checked the client's address is not known (--ip)\n"));
  EXPECT_THAT(text, HasSubstr("SPF       not checked the client's"));
  EXPECT_THAT(text, Not(HasSubstr("192.0.2.1")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(VerifyJson, LeavesOutWhatWasNotChecked) {
  const std::string all = verify_json(report());
  for (const char* part :
       {R"("client":"192.0.2.1")", R"("mail_from":"joe@example.com")", R"("iprev":{"result":"pass")",
        R"("helo":{"result":"none")", R"({"about":"SPF","needed":true,"text":"One two three."})",
        R"({"type":"A","name":"x.example.com","records":[],"secure":false,"error":"nxdomain"})"})
    EXPECT_THAT(all, HasSubstr(part));
  auto unknown = report();
  unknown.facts.unknown = {.client = true, .helo = true, .reverse_path = true};
  const std::string some = verify_json(unknown);
  for (const char* part : {"client", "mail_from", "iprev"})
    EXPECT_THAT(some, Not(HasSubstr(std::string("\"") + part + "\":")));
}

TEST(VerifyCode, IsThatOfDmarc) {
  policy::AuthenticationFindings findings;
  const auto code = [&](policy::DmarcResult result) {
    findings.dmarc.result = result;
    return verify_code(findings);
  };
  using enum policy::DmarcResult;
  EXPECT_EQ(code(pass), 0);
  EXPECT_EQ(code(fail), 3);
  EXPECT_EQ(code(permerror), 3);
  EXPECT_EQ(code(none), 4);
  EXPECT_EQ(code(temperror), 75);
}

}  // namespace
}  // namespace postrider::app
