#include "policy/signing.hpp"

#include <gmock/gmock.h>

#include "policy/testing/key_files.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::policy {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Result = SignedMail::Result;
using testing::KeyFiles;
namespace dkim = wire::dkim;

constexpr std::string_view kBody = "Hi.\r\n\r\n";
const base::UtcTime kNow{std::chrono::seconds(1'795'000'000)};

config::Config config() {
  config::Config made(mail::Domain::parse("mx.example.com").value());
  made.networks = {base::Network::parse("192.0.2.0/24").value()};
  return made;
}

mail::Envelope envelope() {
  mail::Envelope made;
  made.received = kNow;
  return made;
}

struct House : ::testing::Test {
  House() {
    files.put("example.com", {"one", "two"});
    files.put("example.net", {"three"});
    keys = files.keys();
  }
  SignedMail sign(const std::string& header) const {
    dkim::BodyHasher bodies;
    const auto number = bodies.want({dkim::Canonicalization::relaxed, {}});
    bodies.feed(kBody);
    bodies.finish();
    return sign_mail(settings, keys, mail, header, bodies.hash(number).digest);
  }
  std::vector<dkim::Result> verified(const SignedMail& made, const std::string& header,
                                     base::UtcTime now = kNow) const {
    std::string message;
    for (const auto& field : made.fields) message += field;
    std::vector<dkim::SigningKey> all;
    for (const auto* domain : {"example.com", "example.net"})
      for (const auto& key : *keys.of(mail::Domain::parse(domain).value())) all.push_back(key);
    return dkim::testing::results(dkim::testing::verify(message + header + "\r\n" + std::string(kBody),
                                                        dkim::testing::records_of(all), now));
  }
  KeyFiles files;
  SigningKeys keys;
  config::Config settings = config();
  mail::Envelope mail = envelope();
};
using PolicySigning = House;

TEST_F(PolicySigning, SignsByAllKeysOfTheAuthorsDomain) {
  const std::string header = "Subject: x\r\nFrom: Alice <alice@Example.COM>\r\n";
  const auto made = sign(header);
  EXPECT_EQ(made.result, Result::made);
  EXPECT_EQ(made.why, "signed for example.com with s=one, s=two");
  EXPECT_THAT(made.fields, SizeIs(2));
  EXPECT_THAT(made.fields, Each(HasSubstr("c=relaxed/relaxed")));
  EXPECT_THAT(made.fields, Each(Not(HasSubstr(" x="))));
  EXPECT_THAT(verified(made, header), ElementsAre(dkim::Result::pass, dkim::Result::pass));
  EXPECT_THAT(verified(made, "Subject: y\r\nFrom: Alice <alice@Example.COM>\r\n"),
              ElementsAre(dkim::Result::fail, dkim::Result::fail));
}

TEST_F(PolicySigning, SignsForEachAuthorOnce) {
  const auto made =
      sign("From: a@example.com, b@mx.example.com, c@example.org, d@example.net, e@example.com\r\n");
  EXPECT_EQ(made.why, "signed for example.com with s=one, s=two; signed for example.net with s=three");
  EXPECT_EQ(sign("From: MAILER-DAEMON@mx.example.com\r\n").why, "signed for example.com with s=one, s=two");
}

TEST_F(PolicySigning, SaysWhyItSignsNothing) {
  const auto other = sign("From: alice@example.org\r\nSender: bob@example.com\r\n");
  EXPECT_EQ(other.result, Result::no_key);
  EXPECT_THAT(other.fields, IsEmpty());
  EXPECT_EQ(other.why, "not signed: example.org has no key here");
  // Of two From fields one reader shows the first and another the second.
  for (const char* header : {"", "Subject: x\r\n", "From: nobody\r\n", "From: alice@[192.0.2.1]\r\n",
                             "From: a@example.com\r\nfrom: b@example.com\r\n"}) {
    const auto made = sign(header);
    EXPECT_EQ(made.result, Result::no_author) << header;
    EXPECT_THAT(made.fields, IsEmpty());
  }
}

TEST_F(PolicySigning, LeavesDomainsOutThatTheSettingsName) {
  settings.dkim.except = {mail::Domain::parse("example.com").value()};
  EXPECT_EQ(sign("From: a@example.com\r\n").result, Result::no_key);
  EXPECT_EQ(sign("From: a@example.net\r\n").result, Result::made);
}

TEST_F(PolicySigning, EndsWhenTheSettingsSayCountedFromWhenTheMailMayLeave) {
  settings.dkim.expire = std::chrono::days(7);
  mail.hold_until = kNow + std::chrono::days(2);
  const std::string header = "From: a@example.net\r\n";
  const auto made = sign(header);
  EXPECT_THAT(made.fields, ElementsAre(HasSubstr("; x=" + std::to_string(1'795'000'000 + 9 * 86'400) + ";")));
  EXPECT_THAT(verified(made, header, kNow + std::chrono::days(10)), ElementsAre(Not(dkim::Result::pass)));
}

TEST_F(PolicySigning, SignsMoreFieldsWhereTheSettingsSaySo) {
  settings.dkim.headers = {"Feedback-ID"};
  const auto made = sign("From: a@example.net\r\nFeedback-ID: x\r\n");
  EXPECT_THAT(verified(made, "From: a@example.net\r\nFeedback-ID: y\r\n"), ElementsAre(dkim::Result::fail));
}

TEST_F(PolicySigning, IsForOurUsersAndOurselvesAlone) {
  const auto ours = [&](const char* client, const char* protocol, const char* identity = "") {
    mail::Origin origin;
    if (*client) origin.client = base::IpAddress::parse(client).value();
    origin.protocol = protocol;
    origin.identity = identity;
    return is_our_mail(settings, origin);
  };
  constexpr const char* kInside = "192.0.2.7";
  constexpr const char* kOutside = "198.51.100.7";
  EXPECT_TRUE(ours("", ""));  // a notification
  EXPECT_TRUE(ours("", "ESMTP", "root"));
  EXPECT_TRUE(ours(kInside, "ESMTP"));
  EXPECT_TRUE(ours(kOutside, "ESMTPSA", "alice@example.com"));
  EXPECT_FALSE(ours(kOutside, "ESMTP"));
  EXPECT_FALSE(ours(kInside, "LMTP"));
  EXPECT_FALSE(ours(kInside, "UTF8LMTPSA", "alice"));
}

}  // namespace
}  // namespace postrider::policy
