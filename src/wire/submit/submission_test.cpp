#include "wire/submit/submission.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::submit {
namespace {

const mail::Domain& host() {
  static const mail::Domain name = *mail::Domain::parse("mx.test");
  return name;
}

DropHead full_head() {
  return {.submission = {.sender = "bob",
                         .recipients = {"root", "a b@c"},
                         .full_name = "Bob B",
                         .notify = {.specified = true, .delay = true},
                         .ret = mail::DsnReturn::headers,
                         .envid = "x=1",
                         .eight_bit = true,
                         .resent = true,
                         .date = base::UtcTime(base::Milliseconds(1795312167123)),
                         .unique = "a1"},
          .header = 12,
          .body = 0};
}

TEST(DropHead, ReadsBackWhatItWrites) {
  EXPECT_EQ(
      encode(full_head()),
      "postrider drop 1\nsender bob\nto root\nto a b@c\nname Bob B\nnotify 9\nret 2\nenvid x+3D1\n8bit 1\n"
      "resent 1\ndate 1795312167123\nunique a1\nheader 12\nbody 0\n\n");
  EXPECT_EQ(decode_drop_head(encode(full_head())), full_head());
  DropHead null_sender{
      .submission = {.sender = "", .recipients = {"a"}, .unique = "1"}, .header = 0, .body = 3};
  EXPECT_EQ(decode_drop_head(encode(null_sender)), null_sender);
}

TEST(DropHead, RefusesWhatIsDamaged) {
  const std::string good = encode(full_head());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_drop_head(good.substr(0, size))) << size;
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    return decode_drop_head(bad);
  };
  EXPECT_FALSE(changed("drop 1", "drop 2"));
  EXPECT_FALSE(changed("to root\nto a b@c\n", ""));
  EXPECT_FALSE(changed("unique a1", "unique a/1"));
  EXPECT_FALSE(changed("unique a1\n", ""));
  EXPECT_FALSE(changed("body 0", "body -1"));
  EXPECT_FALSE(changed("body 0", "body 99999999999999999999"));
  EXPECT_FALSE(changed("header 12", "header 0x12"));
  EXPECT_FALSE(changed("ret 2", "ret 3"));
  EXPECT_FALSE(changed("notify 9", "notify 16"));
  EXPECT_FALSE(changed("notify 9", "notify 8"));
  EXPECT_FALSE(changed("envid x+3D1", "envid x=1"));
  EXPECT_FALSE(changed("name Bob B", "name Bob\rB"));
  EXPECT_FALSE(changed("resent 1", "colour 1"));
  EXPECT_FALSE(changed("sender bob", "sender"));
}

TEST(Outgoing, IsOfWhoCalledWhereNobodyElseIsNamed) {
  const auto message = outgoing({.recipients = {"root"}, .unique = "1"}, "bob", host(), "");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->mail.reverse_path.to_string(), "bob@mx.test");
  EXPECT_EQ(std::get<mail::Address>(message->rcpts.at(0).forward_path).to_string(), "root@mx.test");
  EXPECT_FALSE(message->mail.smtputf8);
  EXPECT_EQ(message->mail.body, mail::BodyType::seven_bit);
}

TEST(Outgoing, TakesASenderInAnyForm) {
  const auto sender = [](const char* said) {
    const auto message = outgoing({.sender = said, .recipients = {"a"}, .unique = "1"}, "bob", host(), "");
    return message ? message->mail.reverse_path.to_string() : message.error().text;
  };
  EXPECT_EQ(sender("eve"), "eve@mx.test");
  EXPECT_EQ(sender("Eve <eve@a.test>"), "eve@a.test");
  EXPECT_EQ(sender("<eve@a.test>"), "eve@a.test");
  EXPECT_EQ(sender(""), "");
  EXPECT_EQ(sender("a@a.test, b@a.test"), "sender a@a.test, b@a.test: no address");
}

TEST(Outgoing, CarriesWhatReportsNeed) {
  const Submission said = full_head().submission;
  Submission sent = said;
  sent.recipients = {"root"};
  const auto message = outgoing(sent, "bob", host(), "");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->mail.ret, said.ret);
  EXPECT_EQ(message->mail.envid, said.envid);
  EXPECT_EQ(message->mail.body, mail::BodyType::eight_bit_mime);
  EXPECT_EQ(message->rcpts.at(0).notify, said.notify);
}

TEST(Outgoing, AsksForSmtputf8WhereItIsNeeded) {
  const auto utf8 = [](Submission said, std::string_view header) {
    said.unique = "1";
    return outgoing(said, "bob", host(), header)->mail.smtputf8;
  };
  EXPECT_TRUE(utf8({.recipients = {"a"}}, "Subject: \xC3\xBC\r\n"));
  EXPECT_FALSE(utf8({.recipients = {"a"}}, "Subject: \xFC\r\n")) << "no UTF-8";
  EXPECT_TRUE(utf8({.recipients = {"j\xC3\xBC@a.test"}}, ""));
  EXPECT_FALSE(utf8({.recipients = {"j@b\xC3\xBC.test"}}, "")) << "A-labels do";
  EXPECT_TRUE(utf8({.sender = "j\xC3\xBC@a.test", .recipients = {"a"}}, ""));
}

TEST(Outgoing, RefusesWhatIsNoAddress) {
  EXPECT_EQ(outgoing({.recipients = {"two words"}, .unique = "1"}, "bob", host(), "").error().text,
            "two words: no address");
}

}  // namespace
}  // namespace postrider::wire::submit
