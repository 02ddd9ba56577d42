#include "wire/dmarc/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::wire::dmarc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Record read(std::string_view tags) { return parse_record("v=DMARC1;" + std::string(tags)).value(); }

TEST(DmarcRecord, BeginsWithItsVersion) {
  for (const char* text :
       {"v=DMARC1", "v=DMARC1;", "v=DMARC1; p=none", "V \t=\t DMARC1 ;p=none", "v=DMARC1;;;"})
    EXPECT_TRUE(parse_record(text)) << text;
  for (const char* text : {"", "v=DMARC1x", "v=dmarc1", "v=DMARC2", "v=DMARC1 p=none", "p=none; v=DMARC1",
                           "v;p=none", "v=spf1 -all", "x=DMARC1", "DMARC1", ";v=DMARC1"})
    EXPECT_FALSE(parse_record(text)) << text;
}

TEST(DmarcRecord, HasAllItsTags) {
  const Record record = read(
      "p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=y; t=y; fo=1:d:s; rua=mailto:a@example.com; "
      "ruf=mailto:b@example.com");
  const Record expected = {.policy = Policy::reject,
                           .subdomain = Policy::quarantine,
                           .missing = Policy::none,
                           .dkim = Alignment::strict,
                           .spf = Alignment::strict,
                           .psd = Psd::yes,
                           .testing = true,
                           .rua = {"mailto:a@example.com"},
                           .ruf = {"mailto:b@example.com"},
                           .failure = {.all = false, .any = true, .dkim = true, .spf = true}};
  EXPECT_EQ(record, expected);
}

TEST(DmarcRecord, TakesNamesAndWordsInAnyCaseAndWhiteSpaceAroundThem) {
  EXPECT_EQ(read(" P = Reject ;\tADKIM\t=\tS ; PSD=N; T=Y "), read("p=reject;adkim=s;psd=n;t=y"));
}

TEST(DmarcRecord, HasDefaultsForWhatIsMissingOrWrong) {
  const Record plain = read("p=none");
  EXPECT_EQ(plain, Record{});
  for (const char* wrong :
       {"adkim=x", "aspf=strict", "psd=", "t=yes", "fo=2", "fo=0:1", "fo=d:d", "fo=", "fo=d:", "rua=here",
        "ruf=", "pct=0", "rf=afrf", "ri=1", "=x", "tagonly", "x=y=z", ";;", "\x01=\x02"})
    EXPECT_EQ(read(std::string("p=none;") + wrong), plain) << wrong;
}

TEST(DmarcRecord, CountsTheFirstOfARepeatedTag) {
  EXPECT_EQ(read("p=reject; p=none").policy, Policy::reject);
  EXPECT_TRUE(read("p=nothing; p=none").broken_policy);
}

TEST(DmarcRecord, ReadsFailureOptions) {
  EXPECT_EQ(read("p=none;fo=0").failure, FailureOptions{});
  EXPECT_EQ(read("p=none;fo=d").failure, (FailureOptions{.all = false, .dkim = true}));
  EXPECT_EQ(read("p=none;fo=s:0").failure, (FailureOptions{.all = true, .spf = true}));
}

TEST(DmarcRecord, KeepsTheUrisThatAreSuch) {
  EXPECT_THAT(
      read("p=none; rua=mailto:DMARC@Example.COM!10m , https://example.com/r?x=%2C,,nobody@example.com, "
           "mailto:a%zz@b, 1x:y, mailto:, mailto:a b")
          .rua,
      ElementsAre("mailto:DMARC@Example.COM", "https://example.com/r?x=%2C"));
  std::string many = "p=none; rua=";
  for (int i = 0; i < 30; ++i) many += "mailto:a@example.com,";
  EXPECT_EQ(read(many).rua.size(), Record::kMostUris);
}

TEST(DmarcRecord, BrokenPolicyIsNoneOrNoDmarcAtAll) {
  for (const char* broken : {"", "p=", "p=rejected", "p=reject; sp=x", "p=reject; np=x", "sp=reject"}) {
    const Record silent = read(broken);
    EXPECT_TRUE(silent.broken_policy) << broken;
    EXPECT_FALSE(silent.applies()) << broken;
    const Record told = read(std::string(broken) + "; rua=mailto:a@example.com");
    EXPECT_TRUE(told.applies()) << broken;
    EXPECT_EQ(told.policy, Policy::none) << broken;
    EXPECT_FALSE(told.subdomain || told.missing) << broken;
  }
  EXPECT_TRUE(read("p=none").applies());
  EXPECT_THAT(read("p=none").rua, IsEmpty());
}

}  // namespace
}  // namespace postrider::wire::dmarc
