#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "wire/dmarc_report/report_mail.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/dsn/original.hpp"
#include "wire/mime/boundary.hpp"
#include "wire/mime/lines.hpp"

namespace postrider::wire::dmarc_report {
namespace {

constexpr std::size_t kLine = 78;       // RFC 5322 2.1.1
constexpr std::size_t kMostWord = 900;  // that can't be folded; cut
constexpr std::size_t kMostRepeated =
    20;  // fields of one name, so that all together are fewer than kMostFailureFields

// "Name: value" with its CRLF, folded between words: unfolded it is what it was, but for white space.
std::string folded(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + ':';
  std::size_t used = out.size();
  while (!(value = base::trim(value)).empty()) {
    const std::size_t end = std::min(value.find(' '), value.size());
    const std::string_view word = value.substr(0, std::min(end, kMostWord));
    const bool first = used == name.size() + 1;
    const bool fold = !first && used + 1 + word.size() > kLine;
    out.append(fold ? "\r\n\t" : " ").append(word);
    used = (fold ? 1 : used + 1) + word.size();
    value.remove_prefix(end);
  }
  return out + "\r\n";
}

// A message/feedback-report. RFC 5965 3.1
class Fields {
 public:
  void add(std::string_view name, std::string_view value) {
    const std::string fit = dsn::clean(value, dsn::Charset::ascii, kMostFailureValue);
    if (!fit.empty()) text_ += folded(name, fit);
  }
  void add(std::string_view name, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < std::min(values.size(), kMostRepeated); ++i) add(name, values[i]);
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string fields_of(const FailureReport& report) {
  Fields out;
  out.add("Feedback-Type", report.type);
  out.add("User-Agent", report.user_agent);
  out.add("Version", std::to_string(std::max(report.version, 1u)));
  out.add("Auth-Failure", report.auth_failure);
  out.add("Authentication-Results", report.authentication_results);
  out.add("Identity-Alignment", report.identity_alignment);
  out.add("Delivery-Result", report.delivery_result);
  if (report.arrival) out.add("Arrival-Date", base::to_rfc5322(*report.arrival));
  if (report.source) out.add("Source-IP", report.source->to_string());
  if (report.source_port != 0) out.add("Source-Port", std::to_string(report.source_port));
  if (report.incidents != 1) out.add("Incidents", std::to_string(report.incidents));
  if (!report.reporting_mta.empty()) out.add("Reporting-MTA", "dns; " + report.reporting_mta);
  out.add("Original-Envelope-Id", report.envelope_id);
  out.add("Original-Mail-From", report.mail_from);
  out.add("Original-Rcpt-To", report.rcpt_to);
  out.add("Reported-Domain", report.reported_domains);
  out.add("Reported-URI", report.reported_uris);
  out.add("DKIM-Domain", report.dkim_domain);
  out.add("DKIM-Identity", report.dkim_identity);
  out.add("DKIM-Selector", report.dkim_selector);
  out.add("SPF-DNS", report.spf_dns);
  return std::move(out).take();
}

// Lines with CRLF. RFC 2045 6.7
std::string quoted_printable(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::size_t kMostLine = 76;
  std::string out;
  while (!text.empty()) {
    const std::string_view line = mime::take_line(text);
    std::size_t used = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto octet = static_cast<unsigned char>(line[i]);
      const bool last = i + 1 == line.size();
      const bool plain = (octet > ' ' && octet < 127 && octet != '=') || (base::is_wsp(line[i]) && !last);
      const std::size_t size = plain ? 1 : 3;
      if (used + size > (last ? kMostLine : kMostLine - 1)) {
        out += "=\r\n";
        used = 0;
      }
      if (plain)
        out += line[i];
      else
        out += {'=', kHex[octet >> 4], kHex[octet & 15]};
      used += size;
    }
    out += "\r\n";
  }
  return out;
}

std::string words_for_people(const Letter& letter, std::string_view domain, const FailureReport& report) {
  return fmt::format(
      "This is an authentication failure report (RFC 9991, RFC 6591) about one message\r\n"
      "in the name of {},\r\nas {} received it{}{}.\r\n"
      "\r\nIt was asked for by the ruf tag of the domain's DMARC record. The second part\r\n"
      "says what failed, for programs to read; the third is the message's header.\r\n",
      domain, letter.submitter, report.source ? " from " + report.source->to_string() : "",
      report.arrival ? "\r\non " + base::to_rfc5322(*report.arrival) : "");
}

std::string header_of(const FailureReport& report) {
  dsn::OriginalReader reader(dsn::OriginalReader::Wanted::headers);
  reader.feed(report.header);
  return reader.take().header;
}

}  // namespace

std::string write_failure_mail(const Letter& letter, const FailureReport& report) {
  constexpr std::size_t kMostDomain = 253;
  const std::string domain =
      dsn::clean(report.reported_domains.empty() ? std::string_view() : report.reported_domains.front(),
                 dsn::Charset::ascii, kMostDomain);
  const std::string fields = fields_of(report), words = words_for_people(letter, domain, report);
  std::string header = header_of(report);
  // RFC 6522 4
  const bool ascii = base::is_ascii(header), utf8 = !ascii && base::is_utf8(header);
  if (!ascii) header = quoted_printable(header);
  const std::array<std::string_view, 3> parts = {words, fields, header};
  const std::string boundary = mime::boundary_for(parts, letter.id);
  std::string out = write_letter_head(
      letter, fmt::format("Failure Report Domain: {}\r\n Submitter: {}", domain, letter.submitter));
  // RFC 6522 3, RFC 5965 2
  out += fmt::format(
      "Content-Type: multipart/report; report-type=feedback-report;\r\n boundary=\"{0}\"\r\n\r\n"
      "--{0}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{1}"
      "\r\n--{0}\r\nContent-Type: message/feedback-report\r\n\r\n{2}"
      "\r\n--{0}\r\nContent-Type: text/rfc822-headers{3}\r\n{4}\r\n",
      boundary, words, fields, utf8 ? "; charset=utf-8" : "",
      ascii ? "" : "Content-Transfer-Encoding: quoted-printable\r\n");
  out += header;
  out += fmt::format("\r\n--{}--\r\n", boundary);
  return out;
}

}  // namespace postrider::wire::dmarc_report
