#include "policy/arc_sealing.hpp"

#include <gmock/gmock.h>

#include "policy/testing/key_files.hpp"
#include "wire/arc/validate.hpp"
#include "wire/dkim/testing/trial.hpp"

namespace postrider::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::KeyFiles;
namespace dkim = wire::dkim;

constexpr std::string_view kBody = "Hi.\r\n";
const std::string kResults =
    "Authentication-Results: mx.example.com; dmarc=pass header.from=one.test; arc=none\r\n";
const std::string kHeader = "From: eve@one.test\r\nSubject: x\r\n";

struct ArcSealing : ::testing::Test {
  ArcSealing() {
    files.put("example.com", {"one"});
    keys = files.keys();
  }
  SealedMail seal(const std::string& header, const char* hostname = "mx.example.com") const {
    dkim::BodyHasher hasher;
    const auto number = hasher.want({dkim::Canonicalization::relaxed, {}});
    hasher.feed(kBody);
    hasher.finish();
    return seal_mail(mail::Domain::parse(hostname).value(), keys, header, hasher.hash(number).digest,
                     base::UtcTime(std::chrono::seconds(1'795'000'000)));
  }
  static std::string with(const SealedMail& sealed, std::string header) {
    for (const std::string& field : sealed.fields) header = field + header;
    return header;
  }
  wire::arc::Verdict judged(const std::string& header) const {
    dkim::BodyHasher bodies;
    const auto pending = wire::arc::prepare_chain(dkim::HeaderIndex(header), bodies);
    bodies.feed(kBody);
    bodies.finish();
    const auto records = dkim::testing::records_of(*keys.of(mail::Domain::parse("example.com").value()));
    return judge(pending, bodies,
                 [&records](const std::string& name) {
                   return dkim::KeyAnswer{dkim::KeyAnswer::Kind::found, records.at(name), {}};
                 },
                 {});
  }
  KeyFiles files;
  SigningKeys keys;
};

TEST_F(ArcSealing, TellsTheNextServerWhatWasFound) {
  const std::string header = kResults + kHeader;
  const auto sealed = seal(header);
  EXPECT_EQ(sealed.why, "sealed for example.com with s=one, arc=none");
  ASSERT_EQ(sealed.fields.size(), 3u);
  EXPECT_THAT(sealed.fields[0],
              HasSubstr("i=1; mx.example.com;\r\n\tdmarc=pass header.from=one.test;\r\n\tarc=none"));
  EXPECT_EQ(judged(with(sealed, header)).status, wire::arc::Status::pass);
  // And once more, where it comes by again.
  const std::string again = "Authentication-Results: mx.example.com; arc=pass\r\n" + with(sealed, header);
  const auto twice = seal(again);
  EXPECT_THAT(twice.why, HasSubstr("arc=pass"));
  EXPECT_EQ(judged(with(twice, again)).status, wire::arc::Status::pass);
}

TEST_F(ArcSealing, VouchesForNothingThatItDoesNotKnow) {
  const auto why = [this](const std::string& header, const char* hostname = "mx.example.com") {
    const auto sealed = seal(header, hostname);
    EXPECT_THAT(sealed.fields, IsEmpty());
    return sealed.why;
  };
  EXPECT_EQ(why(kHeader), "not sealed: who sent it was not checked");
  EXPECT_EQ(why("Authentication-Results: mx.example.net; arc=none\r\n" + kHeader),
            "not sealed: who sent it was not checked");
  EXPECT_EQ(why("Authentication-Results: mx.example.com; spf=pass\r\n" + kHeader),
            "not sealed: who sent it was not checked");
  EXPECT_EQ(why("Authentication-Results: mx.example.com; arc=fail\r\n" + kHeader),
            "not sealed: its chain of seals has failed");
  EXPECT_EQ(why(kResults + kHeader, "mx.example.net"), "not sealed: mx.example.net has no key here");
  EXPECT_EQ(why(kResults + "ARC-Seal: i=50; cv=pass\r\n" + kHeader),
            "not sealed: its chain of seals is full");
}

}  // namespace
}  // namespace postrider::policy
