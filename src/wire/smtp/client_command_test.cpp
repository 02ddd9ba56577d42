#include "wire/smtp/client_command.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::smtp {
namespace {

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

std::string mail_line(Mail command) {
  std::string out;
  encode(command, out);
  return out;
}
std::string rcpt_line(Rcpt command, PathForm form = PathForm::ascii) {
  std::string out;
  encode(command, form, out);
  return out;
}
Rcpt rcpt(std::string_view to) { return {.forward_path = address(to), .notify = {}, .orcpt = {}}; }

TEST(ClientCommand, MailSaysWhatIsGivenAndNothingElse) {
  EXPECT_EQ(mail_line({}), "MAIL FROM:<>\r\n");
  Mail command{.reverse_path = mail::ReversePath(address("a+b@Example.test")),
               .size = 0,
               .body = mail::BodyType::eight_bit_mime,
               .smtputf8 = true,
               .ret = mail::DsnReturn::headers,
               .envid = "a=b+c"};
  EXPECT_EQ(mail_line(command),
            "MAIL FROM:<a+b@Example.test> SIZE=0 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+3Db+2Bc\r\n");
  command = {};
  command.body = mail::BodyType::binary_mime;
  command.ret = mail::DsnReturn::full;
  EXPECT_EQ(mail_line(command), "MAIL FROM:<> BODY=BINARYMIME RET=FULL\r\n");
}

TEST(ClientCommand, MailSaysWhatItsSenderWishes) {
  using std::chrono::seconds;
  Mail command;
  command.by = DeliverBy{seconds(-7), true, true};
  command.priority = -2;
  EXPECT_EQ(mail_line(command), "MAIL FROM:<> BY=-7;NT MT-PRIORITY=-2\r\n");
  command.by = DeliverBy{seconds(60), false, false};
  command.priority = 0;
  command.hold = seconds(5);
  EXPECT_EQ(mail_line(command), "MAIL FROM:<> HOLDFOR=5 BY=60;R MT-PRIORITY=0\r\n");
  command = {};
  command.hold = base::UtcTime(seconds(1'795'312'167));
  EXPECT_EQ(mail_line(command), "MAIL FROM:<> HOLDUNTIL=2026-11-22T01:49:27.000Z\r\n");
}

TEST(ClientCommand, DomainsAreALabelsUnlessSmtputf8IsSaid) {
  Mail command;
  command.reverse_path =
      mail::ReversePath(address("a@b\xC3\xBC"
                                "cher.test"));
  EXPECT_EQ(mail_line(command), "MAIL FROM:<a@xn--bcher-kva.test>\r\n");
  command.smtputf8 = true;
  EXPECT_EQ(mail_line(command),
            "MAIL FROM:<a@b\xC3\xBC"
            "cher.test> SMTPUTF8\r\n");
  const auto recipient = rcpt(
      "j\xC3\xBCrg@b\xC3\xBC"
      "cher.test");
  EXPECT_EQ(rcpt_line(recipient, PathForm::utf8),
            "RCPT TO:<j\xC3\xBCrg@b\xC3\xBC"
            "cher.test>\r\n");
  EXPECT_EQ(rcpt_line(rcpt("a@b\xC3\xBC"
                           "cher.test")),
            "RCPT TO:<a@xn--bcher-kva.test>\r\n");
}

TEST(ClientCommand, RcptSaysNotifyAndOrcpt) {
  EXPECT_EQ(rcpt_line({.forward_path = mail::Postmaster{}, .notify = {}, .orcpt = {}}),
            "RCPT TO:<postmaster>\r\n");
  auto command = rcpt("\"a b\"@c.test");
  command.notify.specified = true;
  EXPECT_EQ(rcpt_line(command), "RCPT TO:<\"a b\"@c.test> NOTIFY=NEVER\r\n");
  command.notify = {.specified = true, .success = true, .failure = true, .delay = true};
  command.orcpt = mail::OriginalRecipient{"rfc822", "x y@z.test"};
  EXPECT_EQ(rcpt_line(command),
            "RCPT TO:<\"a b\"@c.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;x+20y@z.test\r\n");
}

TEST(ClientCommand, AUtf8OrcptIsWrittenByTheForm) {
  auto command = rcpt("a@b.test");
  command.orcpt = mail::OriginalRecipient{"utf-8", "j\xC3\xBCrg+x\\@\xF0\x9F\x90\xB4.test"};
  EXPECT_EQ(rcpt_line(command),
            "RCPT TO:<a@b.test> ORCPT=utf-8;j\\x{FC}rg\\x{2B}x\\x{5C}@\\x{1F434}.test\r\n");
  EXPECT_EQ(rcpt_line(command, PathForm::utf8),
            "RCPT TO:<a@b.test> ORCPT=utf-8;j\xC3\xBCrg\\x{2B}x\\x{5C}@\xF0\x9F\x90\xB4.test\r\n");
}

TEST(ClientCommand, OurParserReadsWhatIsWritten) {
  auto command = rcpt("\"a>b\"@c.test");
  command.notify = {.specified = true, .success = true, .failure = false, .delay = true};
  command.orcpt = mail::OriginalRecipient{"utf-8", "j\xC3\xBCrg+\\x{41}@b.test"};
  for (const auto form : {PathForm::ascii, PathForm::utf8}) {
    std::string line = rcpt_line(command, form);
    line.resize(line.size() - 2);
    const auto parsed = parse_command(line, {.extensions = true, .smtputf8 = form == PathForm::utf8});
    ASSERT_TRUE(parsed) << line;
    const auto& got = std::get<Rcpt>(*parsed);
    EXPECT_EQ(got.forward_path, command.forward_path);
    EXPECT_EQ(got.notify, command.notify);
    EXPECT_EQ(got.orcpt, command.orcpt);
  }
}

}  // namespace
}  // namespace postrider::wire::smtp
