#include "wire/dmarc_report/report_mail.hpp"

#include <gtest/gtest.h>

#include "base/ascii.hpp"
#include "wire/dmarc_report/archive.hpp"
#include "wire/mime/addresses.hpp"
#include "wire/mime/content_type.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/parts.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::dmarc_report {
namespace {

Feedback feedback() {
  Feedback out{.version = "1.0",
               .org_name = "Example",
               .email = "dmarc@example.com",
               .extra_contact_info = {},
               .report_id = "1664496000-example.org@mx.example.com",
               .error = {},
               .generator = {},
               .begin = std::chrono::sys_seconds(std::chrono::seconds(1664496000)),
               .end = std::chrono::sys_seconds(std::chrono::seconds(1664582399)),
               .published = {},
               .records = {}};
  out.published.domain = "example.org";
  Record record;
  record.source = *base::IpAddress::parse("192.0.2.1");
  record.count = 3;
  record.header_from = "example.org";
  out.records.push_back(record);
  return out;
}

Letter letter(std::string from_name = "Example") {
  return {.submitter = "mx.example.com",
          .from_name = std::move(from_name),
          .from = "dmarc@example.com",
          .to = "reports@example.org",
          .id = "01mckx3v8g000",
          .date = base::UtcTime(std::chrono::seconds(1664600000))};
}

std::string mail_of(const Feedback& about, std::string from_name = "Example") {
  return write_report_mail(letter(std::move(from_name)), about, gzip(write_feedback(about)));
}

// Lines that end in CRLF, all short enough and in ASCII.
void expect_fit_for_any_server(const std::string& mail) {
  std::size_t line = 0;
  for (std::size_t end; (end = mail.find("\r\n", line)) != mail.npos; line = end + 2) {
    const std::string_view text = std::string_view(mail).substr(line, end - line);
    EXPECT_LE(text.size(), 998u);
    EXPECT_TRUE(text.find_first_of("\r\n") == text.npos && base::is_ascii(text)) << text;
  }
  EXPECT_EQ(line, mail.size());
}

TEST(DmarcReportMail, IsWrittenSoThatItIsReadBack) {
  const auto read = read_report_mail(mail_of(feedback()));
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(read->aggregate.size(), 1u);
  EXPECT_EQ(read->aggregate[0], feedback());
  EXPECT_FALSE(read->failure);
}

TEST(DmarcReportMail, HasTheSubjectAndFilenameOfTheRfc) {
  const std::string mail = mail_of(feedback());
  const auto subject = mime::find_field(mail, "Subject");
  ASSERT_TRUE(subject);
  EXPECT_EQ(mime::decode_unstructured(subject->value),
            "Report Domain: example.org Submitter: mx.example.com "
            "Report-ID: <1664496000-example.org@mx.example.com>");
  EXPECT_NE(mail.find("filename=\"mx.example.com!example.org!1664496000!1664582399.xml.gz\""), mail.npos);
  EXPECT_NE(mail.find("Content-Type: application/gzip\r\n"), mail.npos);
  EXPECT_NE(mail.find("3 messages, of which 3 did not pass"), mail.npos);
}

TEST(DmarcReportMail, HasNoLineThatAServerWouldRefuse) {
  Feedback about = feedback();
  for (int i = 0; i < 500; ++i) about.records.push_back(about.records.front());
  const std::string mail =
      mail_of(about, std::string("Größe \"quoted\" \r\nBcc: <x@y.test>") + std::string(150, 'x'));
  std::size_t line = 0;
  for (std::size_t end; (end = mail.find("\r\n", line)) != mail.npos; line = end + 2) {
    EXPECT_LE(end - line, 78u) << mail.substr(line, end - line);
    EXPECT_FALSE(mail.substr(line).starts_with("Bcc"));
  }
  EXPECT_EQ(line, mail.size());
}

// Who publishes a DMARC record chooses the domain, and who configures the server the name: neither may write into our mail.
TEST(DmarcReportMail, LetsNoNameOrDomainAddToTheMessage) {
  Feedback about = feedback();
  about.published.domain = "a\r\nBcc: <x@y.test>\r\n\r\n--=_01mckx3v8g000_report\"; \xC3\x9F";
  about.report_id = "1>\r\nTo: <z@y.test>";
  for (const char* name : {"\"a\" <eve@evil.test>, b", "x\r\nBcc: <x@y.test>", "\xFF\r\n\r\n",
                           "=?utf-8?q?=3Ceve=40evil.test=3E?=",
                           "Gr\xC3\xB6\xC3\x9F"
                           "e <eve@evil.test>"}) {
    const std::string mail = mail_of(about, name);
    expect_fit_for_any_server(mail);
    for (const char* field : {"Bcc", "Cc"}) EXPECT_FALSE(mime::find_field(mail, field)) << mail;
    const auto from = mime::parse_addresses(mime::find_field(mail, "From")->value);
    ASSERT_EQ(from.groups.size(), 1u) << mail;
    ASSERT_EQ(from.groups[0].mailboxes.size(), 1u) << mail;
    EXPECT_EQ(from.groups[0].mailboxes[0].address, "dmarc@example.com");
    EXPECT_EQ(mime::find_field(mail, "To")->value, " <reports@example.org>");
    const auto parts = mime::leaf_parts(mail);
    ASSERT_EQ(parts.size(), 2u) << mail;
    EXPECT_TRUE(
        parts[1].filename.starts_with("mx.example.com!a  Bcc: <x@y.test>    --=_01mckx3v8g000_report\"; ?"
                                      "?!"))
        << parts[1].filename;
    const auto read = read_report_mail(mail);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->aggregate.at(0).records, about.records);
  }
}

TEST(DmarcReportMail, IsFoundAsAPlainAttachmentToo) {
  const std::string mail =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
      "--b\r\nContent-Type: application/octet-stream; name=\"r.xml\"\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n" +
      [] {
        std::string out;
        for (const char c : write_feedback(feedback())) {
          if (c == '\n')
            out += "\r\n";
          else if (c == '=')
            out += "=3D";
          else
            out += c;
        }
        return out;
      }() +
      "--b--\r\n";
  const auto read = read_report_mail(mail);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->aggregate.at(0), feedback());
}

TEST(DmarcReportMail, IsKnownByItsHeader) {
  EXPECT_TRUE(is_report(mail_of(feedback())));
  EXPECT_TRUE(is_report("Subject: =?utf-8?Q?Report_domain:_a.test?=\r\n"));
  EXPECT_TRUE(is_report("Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n"));
  EXPECT_FALSE(is_report("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"));
  EXPECT_FALSE(is_report("Subject: Re: Report Domain: a.test\r\n"));
}

TEST(DmarcReportMail, SaysWhyThereIsNone) {
  EXPECT_EQ(read_report_mail("Subject: hi\r\n\r\nhello\r\n").error().text,
            "there is no report in the message");
  EXPECT_EQ(read_report_mail("Content-Type: application/gzip\r\n\r\nhello\r\n").error().text.substr(0, 18),
            "no well-formed XML");
}

TEST(DmarcReportMail, ReadsFilesOfEachForm) {
  const std::string xml = write_feedback(feedback());
  for (const std::string& file : {xml, "\xEF\xBB\xBF" + xml, gzip(xml), mail_of(feedback())}) {
    const auto read = read_report_file(file);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->aggregate.at(0), feedback());
  }
}

// RFC 9991 Appendix A, shortened.
TEST(DmarcFailureReport, HasTheFieldsOfTheRfcs) {
  const std::string mail =
      "Content-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\n\n"
      "--b\nContent-Type: text/plain\n\nfailed\n"
      "--b\nContent-Type: message/feedback-report\n\n"
      "Feedback-Type: auth-failure\nVersion: 1\nUser-Agent: DMARC-Filter/1.2.3\n"
      "Auth-Failure: dmarc\nAuthentication-Results: gen.example;\n  dmarc=fail header.from=consumer.example\n"
      "Identity-Alignment: dkim\nDKIM-Domain: consumer.example\nDKIM-Identity: @consumer.example\n"
      "DKIM-Selector: epsilon\nOriginal-Envelope-Id: 65E1A3F0A0\nOriginal-Mail-From: "
      "author=gen.example@forwarder.example\n"
      "Source-IP: 192.0.2.2\nSource-Port: 12345\nReported-Domain: consumer.example\nDelivery-Result: reject\n"
      "Arrival-Date: Tue, 19 Jul 2022 07:57:48 +0200\nIncidents: 2\n"
      "--b\nContent-Type: text/rfc822-headers\n\nSubject: one\nFrom: author@consumer.example\n\n"
      "--b--\n";
  const auto found = find_failure_report(mail);
  ASSERT_TRUE(found && *found);
  const FailureReport& report = **found;
  EXPECT_EQ(report.type, "auth-failure");
  EXPECT_EQ(report.auth_failure, "dmarc");
  EXPECT_EQ(report.identity_alignment, "dkim");
  EXPECT_EQ(report.dkim_selector, "epsilon");
  EXPECT_EQ(report.delivery_result, "reject");
  EXPECT_EQ(report.source_port, 12345);
  EXPECT_EQ(report.incidents, 2u);
  EXPECT_EQ(report.authentication_results,
            std::vector<std::string>{"gen.example; dmarc=fail header.from=consumer.example"});
  EXPECT_EQ(report.arrival, base::UtcTime(std::chrono::seconds(1658210268)));
  EXPECT_EQ(report.header, "Subject: one\nFrom: author@consumer.example\n");
}

FailureReport failure() {
  return {.type = "auth-failure",
          .user_agent = "Postrider 1.0",
          .version = 1,
          .incidents = 1,
          .arrival = base::UtcTime(std::chrono::seconds(1664500000)),
          .source = base::IpAddress::parse("2001:db8::66"),
          .reporting_mta = "mx.example.com",
          .envelope_id = "01mckx3v8g000",
          .mail_from = "<joe@example.org>",
          .rcpt_to = {},
          .authentication_results =
              {"mx.example.com; dmarc=fail (p=reject dis=reject) reason=\"neither SPF nor DKIM "
               "passes\" header.from=example.org; dkim=none; spf=fail smtp.mailfrom=joe@example.org"},
          .reported_domains = {"example.org"},
          .reported_uris = {},
          .auth_failure = "dmarc",
          .delivery_result = "reject",
          .identity_alignment = "dkim, spf",
          .dkim_domain = "example.org",
          .dkim_identity = "@example.org",
          .dkim_selector = "s1",
          .spf_dns = {"txt : example.org : \"v=spf1 include:b.test -all\"",
                      "txt : b.test : \"v=spf1 ip4:192.0.2.1\""},
          .header = "From: <joe@example.org>\r\nSubject: hello\r\n"};
}

FailureReport read_back(const FailureReport& report) {
  const std::string mail = write_failure_mail(letter(), report);
  expect_fit_for_any_server(mail);
  EXPECT_TRUE(is_report(mail) && is_multipart_report(mail));
  const auto found = find_failure_report(mail);
  if (found && *found) return **found;
  ADD_FAILURE() << mail;
  return {};
}

TEST(DmarcFailureReport, IsWrittenSoThatItIsReadBack) {
  EXPECT_EQ(read_back(failure()), failure());
  FailureReport more = failure();
  more.incidents = 7;
  more.source_port = 12345;
  more.rcpt_to = "<alice@here.test>";
  more.reported_uris = {"mailto:a@b.test"};
  more.header = "Subject: \xC3\x9F = \xFF \r\nX: " + std::string(200, 'x') + "\t\r\n";
  EXPECT_EQ(read_back(more), more);
}

TEST(DmarcFailureReport, HasThreePartsAndNoBody) {
  FailureReport report = failure();
  report.header += "\r\nthis is secret\r\n";
  const std::string mail = write_failure_mail(letter(), report);
  const auto parts = mime::leaf_parts(mail);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_TRUE(parts[0].is("text", "plain"));
  EXPECT_TRUE(parts[1].is("message", "feedback-report"));
  EXPECT_TRUE(parts[2].is("text", "rfc822-headers"));
  EXPECT_EQ(mail.find("secret"), mail.npos);
  EXPECT_NE(mail.find("Content-Type: multipart/report; report-type=feedback-report;\r\n boundary="),
            mail.npos);
  EXPECT_NE(mail.find("Auto-Submitted: auto-generated\r\n"), mail.npos);
}

TEST(DmarcFailureReport, IsNotBrokenByWhatItIsAbout) {
  FailureReport report = failure();
  report.mail_from = "<\"a\r\nBcc: x\"@example.org>";
  report.reported_domains = {"example.org\r\nBcc: <x@y.test>"};
  report.spf_dns = {"txt : a : \"" + std::string(5000, 'x') + "\"", std::string(20'000, ' ') + "y z"};
  report.authentication_results = {"\xFF \xC3\x9F"};
  report.header =
      "--=_01mckx3v8g000_0: x\r\n--=_01mckx3v8g000_0--: y\r\nX: " + std::string(5000, 'x') + "\r\n";
  const FailureReport read = read_back(report);
  EXPECT_EQ(read.mail_from, "<\"a Bcc: x\"@example.org>");
  EXPECT_EQ(read.reported_domains, std::vector<std::string>{"example.org Bcc: <x@y.test>"});
  EXPECT_EQ(read.authentication_results, std::vector<std::string>{"? ??"});
  EXPECT_TRUE(read.header.starts_with("--=_01mckx3v8g000_0: x\r\n--=_01mckx3v8g000_0--: y\r\nX: xxx"))
      << read.header;
  const std::string mail = write_failure_mail(letter(), report);
  EXPECT_FALSE(mime::find_field(mail, "Bcc"));
  // Not all readers want the end of the line behind it. RFC 2046 5.1.1
  const std::string delimiter =
      "\r\n--" +
      mime::parse_content_type(mime::find_field(mail, "Content-Type")->value)->find("boundary")->value;
  int delimiters = 0;
  for (std::size_t at = 0; (at = mail.find(delimiter, at)) != mail.npos; ++at) ++delimiters;
  EXPECT_EQ(delimiters, 4) << mail.substr(0, 4000);
}

TEST(DmarcFailureReport, NeedsItsType) {
  const auto found = find_failure_report("Content-Type: message/feedback-report\n\nVersion: 1\n");
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  EXPECT_FALSE(find_failure_report("Subject: hi\n\nhello\n"));
}

}  // namespace
}  // namespace postrider::wire::dmarc_report
