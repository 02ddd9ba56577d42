#include "wire/smtp/parameter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace postrider::wire::smtp {
namespace {

const mail::ForwardPath kSomebody = mail::Postmaster{};

// The code of the refusal, empty where there is none.
std::string code(const std::optional<mail::Reply>& refusal) {
  return refusal ? std::to_string(refusal->code) + ' ' + refusal->enhanced.value().to_string() : "";
}

std::string on_mail(std::string_view text, const CommandRules& rules = {}) {
  Mail command;
  return code(parse_parameters(text, rules, command));
}

std::string on_rcpt(std::string_view text, const CommandRules& rules = {}) {
  Rcpt command{kSomebody, {}, {}};
  return code(parse_parameters(text, rules, command));
}

Mail mail_with(std::string_view text) {
  Mail command;
  EXPECT_EQ(code(parse_parameters(text, {}, command)), "") << text;
  return command;
}

Rcpt rcpt_with(std::string_view text) {
  Rcpt command{kSomebody, {}, {}};
  EXPECT_EQ(code(parse_parameters(text, {}, command)), "") << text;
  return command;
}

TEST(Parameter, FillsMail) {
  const auto command = mail_with(" size=1000\tBody=8BitMime  SMTPUTF8 RET=hdrs ENVID=Q+2B1 ");
  EXPECT_EQ(command.size, 1000u);
  EXPECT_EQ(command.body, mail::BodyType::eight_bit_mime);
  EXPECT_TRUE(command.smtputf8);
  EXPECT_EQ(command.ret, mail::DsnReturn::headers);
  EXPECT_EQ(command.envid, "Q+1");
  EXPECT_EQ(mail_with("RET=FULL").ret, mail::DsnReturn::full);
  EXPECT_FALSE(mail_with("BODY=7BIT").size);
}

TEST(Parameter, FillsRcpt) {
  const auto command = rcpt_with("NOTIFY=SUCCESS,delay ORCPT=rfc822;Bob+40example.com");
  EXPECT_TRUE(command.notify.specified && command.notify.success && command.notify.delay);
  EXPECT_FALSE(command.notify.failure);
  EXPECT_EQ(command.orcpt, (mail::OriginalRecipient{"rfc822", "Bob@example.com"}));
  EXPECT_TRUE(rcpt_with("NOTIFY=never").notify.never());
  EXPECT_EQ(rcpt_with("ORCPT=utf-8;j\\x{F3}se@x").orcpt->address, "jóse@x");
  EXPECT_EQ(rcpt_with("ORCPT=UTF-8;josé@x").orcpt->address, "josé@x");
}

TEST(Parameter, ThatIsNotKnownIs555) {
  EXPECT_EQ(on_mail("FOO"), "555 5.5.4");
  EXPECT_EQ(on_mail("FOO=BAR"), "555 5.5.4");
  EXPECT_EQ(on_mail("AUTH=<>"), "555 5.5.4");
  EXPECT_EQ(on_mail("BODY=BINARYMIME"), "555 5.5.4");
  EXPECT_EQ(on_mail("NOTIFY=NEVER"), "555 5.5.4");
  EXPECT_EQ(on_rcpt("SIZE=1"), "555 5.5.4");
  EXPECT_EQ(on_rcpt("SMTPUTF8"), "555 5.5.4");
}

// RFC 4954 5
TEST(Parameter, AuthIsAnAddressOrNobodyWhereAuthWasAnnounced) {
  const CommandRules announced{.auth = true};
  Mail command;
  EXPECT_EQ(code(parse_parameters("AUTH=e+3Dmc2@example.com", announced, command)), "");
  EXPECT_EQ(command.submitter, "e=mc2@example.com");
  EXPECT_EQ(code(parse_parameters("auth=<>", announced, command)), "");
  EXPECT_EQ(command.submitter, "<>");
  EXPECT_EQ(on_mail("AUTH=<>", {.extensions = false, .auth = true}), "555 5.5.4");
  for (const auto* text : {"AUTH", "AUTH=", "AUTH=nobody", "AUTH=a@b+0D", "AUTH=a@b+3", "AUTH=<a@b>"})
    EXPECT_EQ(on_mail(text, announced), "501 5.5.4") << text;
  EXPECT_EQ(on_mail("AUTH=" + std::string(500, 'x'), announced), "501 5.5.4");
  EXPECT_EQ(on_mail("AUTH=<> AUTH=<>", announced), "501 5.5.4");
}

// RFC 4865
TEST(Parameter, HoldsForAWhileOrUntilATime) {
  EXPECT_EQ(mail_with("HOLDFOR=86400").hold, Hold(std::chrono::seconds(86400)));
  EXPECT_EQ(mail_with("holdfor=999999999").hold, Hold(std::chrono::seconds(999999999)));
  EXPECT_EQ(mail_with("HOLDUNTIL=2026-11-22T02:49:27+01:00").hold,
            Hold(base::UtcTime(std::chrono::seconds(1'795'312'167))));
  for (const char* bad :
       {"HOLDFOR", "HOLDFOR=0", "HOLDFOR=01", "HOLDFOR=-1", "HOLDFOR=1234567890", "HOLDFOR=1d",
        "HOLDUNTIL=tomorrow", "HOLDUNTIL", "HOLDFOR=1 HOLDUNTIL=2026-11-22T01:49:27Z",
        "HOLDUNTIL=2026-11-22T01:49:27Z HOLDFOR=1", "HOLDFOR=1 HOLDFOR=1"})
    EXPECT_EQ(on_mail(bad), "501 5.5.4") << bad;
  EXPECT_EQ(on_mail("HOLDFOR=1", {.future_release = false}), "555 5.5.4");
  EXPECT_EQ(on_mail("HOLDUNTIL=x", {.future_release = false}), "555 5.5.4");
  EXPECT_EQ(on_rcpt("HOLDFOR=1"), "555 5.5.4");
}

// RFC 2852
TEST(Parameter, AsksForDeliveryByATime) {
  using std::chrono::seconds;
  EXPECT_EQ(mail_with("BY=120;R").by, (DeliverBy{seconds(120), false, false}));
  EXPECT_EQ(mail_with("by=+999999999;nt").by, (DeliverBy{seconds(999999999), true, true}));
  EXPECT_EQ(mail_with("BY=-5;N").by, (DeliverBy{seconds(-5), true, false}));
  EXPECT_EQ(mail_with("BY=1;RT").by, (DeliverBy{seconds(1), false, true}));
  for (const char* bad : {"BY", "BY=120", "BY=120;", "BY=;R", "BY=120;X", "BY=120;T", "BY=120;RN",
                          "BY=120;RTT", "BY=0;R", "BY=-5;R", "BY=1234567890;N", "BY=+-1;N", "BY=1;N BY=1;N"})
    EXPECT_EQ(on_mail(bad), "501 5.5.4") << bad;
  EXPECT_EQ(on_mail("BY=120;R", {.deliver_by = false}), "555 5.5.4");
}

// RFC 6710
TEST(Parameter, HasAPriorityFromMinusNineToNine) {
  EXPECT_EQ(mail_with("MT-PRIORITY=9").priority, 9);
  EXPECT_EQ(mail_with("mt-priority=-9").priority, -9);
  EXPECT_EQ(mail_with("MT-PRIORITY=0").priority, 0);
  EXPECT_FALSE(mail_with("").priority);
  for (const char* bad : {"MT-PRIORITY", "MT-PRIORITY=10", "MT-PRIORITY=-0", "MT-PRIORITY=+1",
                          "MT-PRIORITY=-", "MT-PRIORITY=x", "MT-PRIORITY=1 MT-PRIORITY=1"})
    EXPECT_EQ(on_mail(bad), "501 5.5.4") << bad;
  EXPECT_EQ(on_mail("MT-PRIORITY=1", {.mt_priority = false}), "555 5.5.4");
}

TEST(Parameter, IsNotKnownAfterHelo) {
  EXPECT_EQ(on_mail("SIZE=1", {.extensions = false, .smtputf8 = false}), "555 5.5.4");
  EXPECT_EQ(on_rcpt("NOTIFY=NEVER", {.extensions = false, .smtputf8 = false}), "555 5.5.4");
  EXPECT_EQ(on_mail("", {.extensions = false, .smtputf8 = false}), "");
}

TEST(Parameter, GivenTwiceIsRefused) {
  EXPECT_EQ(on_mail("SIZE=1 size=1"), "501 5.5.4");
  EXPECT_EQ(on_rcpt("NOTIFY=NEVER NOTIFY=NEVER"), "501 5.5.4");
}

TEST(Parameter, SizeIsTwentyDigitsAtMost) {
  EXPECT_EQ(mail_with("SIZE=18446744073709551615").size, 18446744073709551615u);
  EXPECT_EQ(mail_with("SIZE=00000000000000000001").size, 1u);
  for (const auto* bad : {"SIZE", "SIZE=", "SIZE=x", "SIZE=-1", "SIZE=1x", "SIZE=18446744073709551616",
                          "SIZE=000000000000000000001"})
    EXPECT_EQ(on_mail(bad), "501 5.5.4") << bad;
}

TEST(Parameter, WithABadValueIsRefused) {
  for (const auto* bad : {"BODY", "BODY=9BIT", "SMTPUTF8=1", "RET=ALL", "RET", "ENVID", "ENVID=", "ENVID=a+",
                          "ENVID=+0D", "ENVID=+C3+A9", "=1", "-A=1", "A_B=1", "SIZE=1=1", "SIZE=\x7f"})
    EXPECT_EQ(on_mail(bad), "501 5.5.4") << bad;
  for (const auto* bad : {"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS,", "NOTIFY=,SUCCESS",
                          "NOTIFY=SOMETIMES", "ORCPT", "ORCPT=a@b", "ORCPT=;a", "ORCPT=rfc822;",
                          "ORCPT=rfc822;a+0Ab", "ORCPT=rfc822;é", "ORCPT=utf-8;\\x{0A}", "ORCPT=a b;c"})
    EXPECT_EQ(on_rcpt(bad), "501 5.5.4") << bad;
}

TEST(Parameter, RawUtf8IsForOrcptWithSmtputf8Only) {
  EXPECT_EQ(on_rcpt("ORCPT=utf-8;josé@x", {.extensions = true, .smtputf8 = false}), "501 5.5.4");
  EXPECT_EQ(on_rcpt("ORCPT=utf-8;j\\x{F3}se@x", {.extensions = true, .smtputf8 = false}), "");
}

TEST(Parameter, Utf8InXtextOfTypeRfc822IsTakenForUtf8WithSmtputf8Only) {
  const std::string postfix = "ORCPT=rfc822;j+C3+B3se@b+C3+BCcher.example";
  EXPECT_EQ(rcpt_with(postfix).orcpt, (mail::OriginalRecipient{"utf-8", "jóse@bücher.example"}));
  EXPECT_EQ(on_rcpt(postfix, {.extensions = true, .smtputf8 = false}), "501 5.5.4");
  for (const auto* bad :
       {"ORCPT=rfc822;+C3", "ORCPT=rfc822;+C3+B3+0A", "ORCPT=rfc822;+C3+B3+7F", "ORCPT=x400;+C3+B3"})
    EXPECT_EQ(on_rcpt(bad), "501 5.5.4") << bad;
}

TEST(Parameter, EnvidHas100OctetsAndOrcpt500) {
  EXPECT_EQ(on_mail("ENVID=" + std::string(100, 'e')), "");
  EXPECT_EQ(on_mail("ENVID=" + std::string(101, 'e')), "501 5.5.4");
  EXPECT_EQ(on_rcpt("ORCPT=rfc822;" + std::string(493, 'o')), "");
  EXPECT_EQ(on_rcpt("ORCPT=rfc822;" + std::string(494, 'o')), "501 5.5.4");
}

}  // namespace
}  // namespace postrider::wire::smtp
