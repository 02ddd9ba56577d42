#include "wire/dmarc_report/report_mail.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "wire/base64.hpp"
#include "wire/dmarc_report/archive.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/mime/header_fields.hpp"
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

// Of a display name, in words that fit a line. RFC 2047 2
std::string phrase(std::string_view name) {
  const std::string clean = dsn::clean(name, dsn::Charset::utf8, 200);
  if (base::is_ascii(clean)) return mime::quoted_string(clean);
  std::string out;
  constexpr std::size_t kWord = 39;
  for (std::size_t at = 0; at < clean.size();) {
    const std::string_view rest = std::string_view(clean).substr(at);
    const std::size_t size = dsn::whole_characters(rest, kWord);
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + to_base64(rest.substr(0, size)) + "?=";
    at += size;
  }
  return out;
}

std::string words_for_people(const Outgoing& outgoing) {
  const Feedback& feedback = outgoing.feedback;
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
      feedback.published.domain, outgoing.submitter, base::to_rfc3339(feedback.begin),
      base::to_rfc3339(feedback.end), messages, failed);
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
  const auto field = mime::find_field(header, "Content-Type");
  const auto type = field ? mime::parse_content_type(field->value) : std::nullopt;
  if (!type || type->type != "multipart" || type->subtype != "report") return false;
  const auto* kind = type->find("report-type");
  return kind && base::iequals(kind->value, "feedback-report");
}

std::string report_filename(std::string_view submitter, const Feedback& feedback) {
  return fmt::format("{}!{}!{}!{}.xml.gz", submitter, feedback.published.domain,
                     feedback.begin.time_since_epoch().count(), feedback.end.time_since_epoch().count());
}

std::string write_report_mail(const Outgoing& outgoing, std::string_view packed) {
  const Feedback& feedback = outgoing.feedback;
  const std::string boundary = "=_" + outgoing.id + "_report";
  const std::string filename = report_filename(outgoing.submitter, feedback);
  std::string out = fmt::format(
      "Date: {}\r\nFrom: {} <{}>\r\nTo: <{}>\r\n"
      "Subject: Report Domain: {}\r\n Submitter: {}\r\n Report-ID: <{}>\r\n"
      "Message-ID: <{}.report@{}>\r\n",
      base::to_rfc5322(outgoing.date), phrase(outgoing.from_name), outgoing.from, outgoing.to,
      feedback.published.domain, outgoing.submitter, feedback.report_id, outgoing.id, outgoing.submitter);
  // RFC 3834 5: nobody answers it.
  out += fmt::format(
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=\"{0}\"\r\n\r\n"
      "--{0}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{1}"
      "\r\n--{0}\r\nContent-Type: application/gzip\r\n"
      "Content-Disposition: attachment;\r\n filename=\"{2}\"\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n",
      boundary, words_for_people(outgoing), filename);
  out += base64_lines(packed);
  out += fmt::format("\r\n--{}--\r\n", boundary);
  return out;
}

}  // namespace postrider::wire::dmarc_report
