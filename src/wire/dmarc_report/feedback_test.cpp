#include "wire/dmarc_report/feedback.hpp"

#include <gtest/gtest.h>

namespace postrider::wire::dmarc_report {
namespace {

// RFC 9990 Appendix B
constexpr std::string_view kSample = R"(<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <version>1.0</version>
  <report_metadata>
    <org_name>Sample Reporter</org_name>
    <email>report_sender@example-reporter.com</email>
    <extra_contact_info>...</extra_contact_info>
    <report_id>3v98abbp8ya9n3va8yr8oa3ya</report_id>
    <date_range>
      <begin>302832000</begin>
      <end>302918399</end>
    </date_range>
    <generator>Example DMARC Aggregate Reporter v1.2</generator>
  </report_metadata>
  <policy_published>
    <domain>example.com</domain>
    <p>quarantine</p>
    <sp>none</sp>
    <np>none</np>
    <testing>n</testing>
    <discovery_method>treewalk</discovery_method>
  </policy_published>
  <record>
    <row>
      <source_ip>192.0.2.123</source_ip>
      <count>123</count>
      <policy_evaluated>
        <disposition>pass</disposition>
        <dkim>pass</dkim>
        <spf>fail</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_from>example.com</envelope_from>
      <header_from>example.com</header_from>
    </identifiers>
    <auth_results>
      <dkim>
        <domain>example.com</domain>
        <result>pass</result>
        <selector>abc123</selector>
      </dkim>
      <spf>
        <domain>example.com</domain>
        <result>fail</result>
      </spf>
    </auth_results>
  </record>
</feedback>
)";

std::chrono::sys_seconds at(std::int64_t seconds) {
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

Feedback sample() {
  return {.version = "1.0",
          .org_name = "Sample Reporter",
          .email = "report_sender@example-reporter.com",
          .extra_contact_info = "...",
          .report_id = "3v98abbp8ya9n3va8yr8oa3ya",
          .error = {},
          .generator = "Example DMARC Aggregate Reporter v1.2",
          .begin = at(302832000),
          .end = at(302918399),
          .published = {.domain = "example.com",
                        .policy = dmarc::Policy::quarantine,
                        .subdomain = dmarc::Policy::none,
                        .missing = dmarc::Policy::none,
                        .dkim = {},
                        .spf = {},
                        .fo = {},
                        .discovery = Discovery::treewalk},
          .records = {{.source = *base::IpAddress::parse("192.0.2.123"),
                       .count = 123,
                       .disposition = Disposition::pass,
                       .dkim_aligned = true,
                       .spf_aligned = false,
                       .reasons = {},
                       .header_from = "example.com",
                       .envelope_from = "example.com",
                       .envelope_to = {},
                       .dkim = {{"example.com", "abc123", "pass", ""}},
                       .spf = {{"example.com", "", "fail", ""}}}}};
}

std::string with(std::string_view from, std::string_view to) {
  std::string xml(kSample);
  xml.replace(xml.find(from), from.size(), to);
  return xml;
}

std::string refused(std::string_view xml) {
  const auto read = read_feedback(xml);
  return read ? "nothing is wrong" : read.error().text;
}

TEST(DmarcFeedback, IsReadAsTheExampleOfTheRfc) {
  const auto read = read_feedback(kSample);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, sample());
}

TEST(DmarcFeedback, DoesNotDependOnWhereItIsCut) {
  FeedbackReader reader;
  for (const char c : kSample) ASSERT_TRUE(reader.feed({&c, 1}));
  EXPECT_EQ(reader.finish(), sample());
}

TEST(DmarcFeedback, IsWrittenSoThatItIsReadBack) {
  Feedback feedback = sample();
  feedback.org_name = "A & B <\"C\">\nÖ";
  feedback.published.dkim = dmarc::Alignment::strict;
  feedback.published.spf = dmarc::Alignment::relaxed;
  feedback.published.fo = "1:d";
  feedback.published.testing = true;
  feedback.records.push_back({.source = *base::IpAddress::parse("2001:db8::1"),
                              .count = 1,
                              .disposition = Disposition::none,
                              .reasons = {{"local_policy", "a list of ours"}, {"other", ""}},
                              .header_from = "a.example.com",
                              .envelope_from = "",
                              .envelope_to = "example.org",
                              .dkim = {},
                              .spf = {{"example.com", "mfrom", "softfail", "\xEF\xBF\xBF?"}}});
  const auto read = read_feedback(write_feedback(feedback));
  ASSERT_TRUE(read) << read.error().text;
  feedback.org_name = "A & B <\"C\"> Ö";
  feedback.records[1].spf[0].human_result = "\xEF\xBF\xBD?";
  EXPECT_EQ(*read, feedback);
}

TEST(DmarcFeedback, WritesItsElementsInTheOrderOfTheRfc) {
  const std::string xml = write_feedback(sample());
  std::size_t at = 0;
  for (const char* name : {"<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">", "<version>1.0<",
                           "<report_metadata>", "<policy_published>", "<record>", "<row>", "<source_ip>",
                           "<count>", "<policy_evaluated>", "<disposition>pass<", "<dkim>pass<", "<spf>fail<",
                           "<identifiers>", "<auth_results>", "<dkim>\n", "<selector>", "<spf>\n"}) {
    const std::size_t found = xml.find(name, at);
    ASSERT_NE(found, xml.npos) << name << " behind " << xml.substr(0, at);
    at = found;
  }
}

TEST(DmarcFeedback, HasNoEntitiesAndNoDocumentType) {
  std::string bomb = "<!DOCTYPE feedback [<!ENTITY a \"ha\">";
  for (char c = 'b'; c < 'z'; ++c) {
    const std::string before = std::string("&") + static_cast<char>(c - 1) + ';';
    bomb += std::string("<!ENTITY ") + c + " \"" + before + before + before + before + "\">";
  }
  bomb += "]>" + with("Sample Reporter", "&y;");
  EXPECT_EQ(refused(bomb), "a document type declaration, which no report needs");
  EXPECT_EQ(refused("<!DOCTYPE feedback SYSTEM \"file:///etc/passwd\">" + std::string(kSample)),
            "a document type declaration, which no report needs");
  EXPECT_NE(refused(with("Sample Reporter", "&unknown;")).find("no well-formed XML"), std::string::npos);
}

TEST(DmarcFeedback, IsRefusedWithoutWhatMattersInIt) {
  EXPECT_EQ(refused(with("<report_id>3v98abbp8ya9n3va8yr8oa3ya</report_id>", "")), "no report_id");
  EXPECT_EQ(refused(with("<begin>302832000</begin>", "")), "no date_range");
  EXPECT_EQ(refused(with("302832000", "302918400")), "no date_range");
  EXPECT_EQ(refused(with("302832000", "soon")), "date_range has no good numbers");
  EXPECT_EQ(refused(with("192.0.2.123", "somewhere")), "a record without a source_ip that is an address");
  EXPECT_EQ(refused(with("<count>123", "<count>-1")), "a record without a good count");
  EXPECT_EQ(refused(with("<header_from>example.com</header_from>", "")), "a record without header_from");
  EXPECT_EQ(refused("<html><feedback/></html>"), "no aggregate report: the root element is not feedback");
  EXPECT_EQ(refused(kSample.substr(0, kSample.size() - 20)).substr(0, 18), "no well-formed XML");
  EXPECT_EQ(refused(""), "no well-formed XML: no element found in line 1");
}

TEST(DmarcFeedback, PassesOverElementsOfOtherNamespaces) {
  const std::string xml = with("<row>",
                               "<x:row xmlns:x=\"urn:x\"><count>9</count><x:count>9</x:count></x:row>"
                               "<unknown><count>9</count></unknown><row>");
  EXPECT_EQ(read_feedback(xml), sample());
}

TEST(DmarcFeedback, MayBeInAnOlderCharset) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"windows-1252\"?>" + with("Sample", "\x80uro");
  const auto read = read_feedback(xml);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->org_name, "€uro Reporter");
}

TEST(DmarcFeedback, IsBoundedInDepthTokensAndText) {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "<a>";
  EXPECT_EQ(refused("<feedback>" + deep), "elements too deep within each other");
  EXPECT_EQ(refused("<feedback a=\"" + std::string(200'000, 'x') + "\">"),
            "a tag or comment is longer than 65536 octets");
  const auto long_name = read_feedback(with("Sample Reporter", std::string(1'000'000, 'x')));
  ASSERT_TRUE(long_name);
  EXPECT_EQ(long_name->org_name, std::string(kMostName, 'x'));
}

// A million, as an attacker would send it.
TEST(DmarcFeedback, EndsAtTheRecordThatIsTooMuch) {
  const std::size_t begin = kSample.find("  <record>");
  const std::string_view record =
      kSample.substr(begin, kSample.find("</record>") + std::string_view("</record>\n").size() - begin);
  FeedbackReader reader;
  ASSERT_TRUE(reader.feed(kSample.substr(0, begin)));
  std::size_t taken = 0;
  while (taken < 1'000'000 && reader.feed(record)) ++taken;
  EXPECT_LE(taken, kMostRecords + 1);
  const auto read = reader.finish();
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().text == "more than 50000 records" ||
              read.error().text == "the XML is larger than 32 MiB")
      << read.error().text;
}

TEST(DmarcFeedback, KeepsSoManySignaturesReasonsAndResults) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += "<dkim><domain>a.test</domain><result>pass</result></dkim>";
  const auto read = read_feedback(with("<auth_results>", "<auth_results>" + many));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->records[0].dkim.size(), kMostSignatures);
}

}  // namespace
}  // namespace postrider::wire::dmarc_report
