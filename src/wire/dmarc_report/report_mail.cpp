#include "wire/dmarc_report/report_mail.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/base64.hpp"
#include "wire/dmarc_report/archive.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/mime/header_fields.hpp"
#include "wire/mime/name_addr.hpp"
#include "wire/mime/parts.hpp"
#include "wire/mime/quoted_string.hpp"
#include "wire/mime/text.hpp"

namespace postrider::wire::dmarc_report {
namespace {

std::unexpected<base::Failure> refuse(std::string why) { return base::permanent({5, 6, 0}, std::move(why)); }

// By what it says of itself, since others send octet-streams.
bool may_be_aggregate(const mime::Part& part) {
  const std::string name = base::lower(part.filename);
  const bool named = name.ends_with(".xml") || name.ends_with(".gz") || name.ends_with(".zip");
  if (part.type.type == "text") return part.type.subtype == "xml" || named;
  if (part.type.type != "application") return named;
  const std::string& sub = part.type.subtype;
  return named || sub == "gzip" || sub == "x-gzip" || sub == "zip" || sub == "x-zip-compressed" ||
         sub == "x-zip" || sub == "xml";
}

base::Result<Feedback> read_packed(std::string_view packed) {
  FeedbackReader reader;
  const auto unpacked = unpack(packed, [&](std::string_view piece) { return reader.feed(piece); });
  if (!unpacked) return std::unexpected(unpacked.error());
  return reader.finish();
}

// In lines of 76 characters. RFC 2045 6.8
std::string base64_lines(std::string_view octets) {
  constexpr std::size_t kLine = 76;
  const std::string text = to_base64(octets);
  std::string out;
  out.reserve(text.size() + text.size() / kLine * 2 + 2);
  for (std::size_t at = 0; at < text.size(); at += kLine) out.append(text, at, kLine).append("\r\n");
  return out;
}

// A domain is what others say that it is.
std::string clean_name(std::string_view name) {
  constexpr std::size_t kMost = 600;  // two domains and two times
  return dsn::clean(name, dsn::Charset::ascii, kMost);
}

std::string words_for_people(const Letter& letter, const Feedback& feedback) {
  std::uint64_t messages = 0, failed = 0;
  for (const Record& record : feedback.records) {
    messages += record.count;
    if (!record.dkim_aligned && !record.spf_aligned) failed += record.count;
  }
  return fmt::format(
      "This is a DMARC aggregate report (RFC 9990) about mail in the name of\r\n"
      "{}, as {} received it from {}\r\nto {}: {} messages, of which {} did not pass DMARC.\r\n"
      "\r\nIt was asked for by the rua tag of the domain's DMARC record. The report\r\n"
      "itself is the attachment, for programs to read.\r\n",
      clean_name(feedback.published.domain), letter.submitter, base::to_rfc3339(feedback.begin),
      base::to_rfc3339(feedback.end), messages, failed);
}

std::optional<mime::ContentType> multipart_report(std::string_view header) {
  const auto field = mime::find_field(header, "Content-Type");
  auto type = field ? mime::parse_content_type(field->value) : std::nullopt;
  if (!type || type->type != "multipart" || type->subtype != "report") return {};
  return type;
}

}  // namespace

base::Result<Reports> read_report_mail(std::string_view message) {
  if (message.size() > kMostMessage)
    return refuse("the message is larger than " + std::to_string(kMostMessage >> 20) + " MiB");
  Reports out;
  if (auto failure = find_failure_report(message)) {
    if (!*failure) return std::unexpected(std::move(failure->error()));
    out.failure = std::move(**failure);
    return out;
  }
  std::size_t records = 0;
  for (const mime::Part& part : mime::leaf_parts(message)) {
    if (!may_be_aggregate(part)) continue;
    if (out.aggregate.size() == kMostAttachments) return refuse("too many reports in one message");
    auto feedback = read_packed(mime::decoded_body(part));
    if (!feedback) return std::unexpected(std::move(feedback.error()));
    records += feedback->records.size();
    if (records > kMostRecords) return refuse("more than " + std::to_string(kMostRecords) + " records");
    out.aggregate.push_back(std::move(*feedback));
  }
  if (out.aggregate.empty()) return refuse("there is no report in the message");
  return out;
}

base::Result<Reports> read_report_file(std::string_view content) {
  const std::size_t first = content.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const bool packed = content.starts_with("\x1F\x8B") || content.starts_with("PK");
  const bool wide = content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF");  // UTF-16
  if (!packed && !wide && (first == content.npos || content[first] != '<')) return read_report_mail(content);
  auto feedback = read_packed(content);
  if (!feedback) return std::unexpected(std::move(feedback.error()));
  Reports out;
  out.aggregate.push_back(std::move(*feedback));
  return out;
}

bool is_report(std::string_view header) {
  if (const auto subject = mime::find_field(header, "Subject"))
    if (base::istarts_with(mime::decode_unstructured(subject->value), "Report Domain:")) return true;
  const auto type = multipart_report(header);
  const auto* kind = type ? type->find("report-type") : nullptr;
  return kind && base::iequals(kind->value, "feedback-report");
}

bool is_multipart_report(std::string_view header) { return multipart_report(header).has_value(); }

std::string report_filename(std::string_view submitter, const Feedback& feedback) {
  return fmt::format("{}!{}!{}!{}.xml.gz", submitter, feedback.published.domain,
                     feedback.begin.time_since_epoch().count(), feedback.end.time_since_epoch().count());
}

std::string write_letter_head(const Letter& letter, std::string_view subject) {
  constexpr std::size_t kMostOfName = 200, kColumn = 6;  // octets; of "From: "
  const std::string name = dsn::clean(letter.from_name, dsn::Charset::utf8, kMostOfName);
  // RFC 3834 5: nobody answers it.
  return fmt::format(
      "Date: {}\r\nFrom: {}\r\nTo: <{}>\r\nSubject: {}\r\nMessage-ID: <{}.report@{}>\r\n"
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
      base::to_rfc5322(letter.date), mime::name_addr(name, letter.from, kColumn), letter.to, subject,
      letter.id, letter.submitter);
}

std::string write_report_mail(const Letter& letter, const Feedback& feedback, std::string_view packed) {
  const std::string boundary = "=_" + letter.id + "_report";
  const std::string filename = mime::quoted_string(clean_name(report_filename(letter.submitter, feedback)));
  std::string out =
      write_letter_head(letter, fmt::format("Report Domain: {}\r\n Submitter: {}\r\n Report-ID: <{}>",
                                            clean_name(feedback.published.domain), letter.submitter,
                                            clean_name(feedback.report_id)));
  out += fmt::format(
      "Content-Type: multipart/mixed; boundary=\"{0}\"\r\n\r\n"
      "--{0}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{1}"
      "\r\n--{0}\r\nContent-Type: application/gzip\r\n"
      "Content-Disposition: attachment;\r\n filename={2}\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n",
      boundary, words_for_people(letter, feedback), filename);
  out += base64_lines(packed);
  out += fmt::format("\r\n--{}--\r\n", boundary);
  return out;
}

}  // namespace postrider::wire::dmarc_report
