#include "wire/dmarc_report/failure.hpp"

#include <algorithm>
#include <charconv>

#include "base/ascii.hpp"
#include "wire/dsn/clean.hpp"
#include "wire/mime/date.hpp"
#include "wire/mime/lines.hpp"
#include "wire/mime/parts.hpp"

namespace postrider::wire::dmarc_report {
namespace {

struct Field {
  std::string_view name;
  std::string value;  // with its folds as one space each
};

std::vector<Field> fields_of(std::string_view text) {
  std::vector<Field> fields;
  while (!text.empty()) {
    const std::string_view line = mime::take_line(text);
    if (line.empty()) continue;
    if (base::is_wsp(line.front())) {
      if (!fields.empty() && fields.back().value.size() < kMostFailureValue)
        fields.back().value.append(" ").append(base::trim(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == line.npos || fields.size() == kMostFailureFields) continue;
    fields.push_back({base::trim(line.substr(0, colon)), std::string(base::trim(line.substr(colon + 1)))});
  }
  return fields;
}

std::string text_of(std::string_view value) {
  return dsn::clean(value, dsn::Charset::utf8, kMostFailureValue);
}

// A word that a comment may follow.
std::string_view word_of(std::string_view value) {
  value = base::trim(value);
  return value.substr(0, value.find_first_of(" \t(;"));
}

template <class T>
T number_of(std::string_view value, T otherwise) {
  const std::string_view word = word_of(value);
  T out{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc() && end == word.data() + word.size() ? out : otherwise;
}

std::string behind_type(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  return text_of(semicolon == value.npos ? value : value.substr(semicolon + 1));
}

std::optional<base::UtcTime> time_of(std::string_view value) {
  const auto date = mime::parse_date(value);
  if (!date) return {};
  return mime::to_utc(*date);
}

void take_failure(const Field& field, FailureReport& out) {
  const std::string_view value = field.value;
  const auto is = [&](std::string_view wanted) { return base::iequals(field.name, wanted); };
  if (is("Auth-Failure")) out.auth_failure = base::lower(text_of(word_of(value)));
  if (is("Delivery-Result")) out.delivery_result = base::lower(text_of(word_of(value)));
  if (is("Identity-Alignment")) out.identity_alignment = base::lower(text_of(value));
  if (is("DKIM-Domain")) out.dkim_domain = text_of(value);
  if (is("DKIM-Identity")) out.dkim_identity = text_of(value);
  if (is("DKIM-Selector")) out.dkim_selector = text_of(value);
  if (is("SPF-DNS")) out.spf_dns.push_back(text_of(value));
}

void take_common(const Field& field, FailureReport& out) {
  const std::string_view value = field.value;
  const auto is = [&](std::string_view wanted) { return base::iequals(field.name, wanted); };
  if (is("Feedback-Type")) out.type = base::lower(text_of(word_of(value)));
  if (is("User-Agent")) out.user_agent = text_of(value);
  if (is("Version")) out.version = number_of<std::uint32_t>(value, 0);
  if (is("Incidents")) out.incidents = number_of<std::uint32_t>(value, 1);
  // Received-Date is what drafts called it.
  if (is("Arrival-Date") || is("Received-Date")) out.arrival = time_of(value);
  if (is("Source-IP")) out.source = base::IpAddress::parse(word_of(value));
  if (is("Source-Port")) out.source_port = number_of<std::uint16_t>(value, 0);
  if (is("Reporting-MTA")) out.reporting_mta = behind_type(value);
  if (is("Original-Envelope-Id")) out.envelope_id = text_of(value);
  if (is("Original-Mail-From")) out.mail_from = text_of(value);
  if (is("Original-Rcpt-To")) out.rcpt_to = text_of(value);
  if (is("Authentication-Results")) out.authentication_results.push_back(text_of(value));
  if (is("Reported-Domain")) out.reported_domains.push_back(text_of(value));
  if (is("Reported-URI")) out.reported_uris.push_back(text_of(value));
}

// Up to the blank line, which may be missing.
std::string header_of(std::string_view message) {
  std::string_view rest = message;
  while (!rest.empty()) {
    const char* begin = rest.data();
    if (mime::take_line(rest).empty()) {
      message = message.substr(0, static_cast<std::size_t>(begin - message.data()));
      break;
    }
  }
  return std::string(message.substr(0, kMostReportedHeader));
}

}  // namespace

std::optional<base::Result<FailureReport>> find_failure_report(std::string_view message) {
  const auto parts = mime::leaf_parts(message);
  const auto part = std::ranges::find_if(
      parts, [](const mime::Part& each) { return each.is("message", "feedback-report"); });
  if (part == parts.end()) return {};
  FailureReport out;
  for (const Field& field : fields_of(mime::decoded_body(*part))) {
    take_common(field, out);
    take_failure(field, out);
  }
  if (out.type.empty()) return base::permanent({5, 6, 0}, "the failure report has no Feedback-Type");
  const auto original = std::ranges::find_if(parts, [](const mime::Part& each) {
    return each.is("message", "rfc822") || each.is("text", "rfc822-headers") ||
           each.is("message", "global") || each.is("message", "global-headers");
  });
  if (original != parts.end()) out.header = header_of(mime::decoded_body(*original));
  return out;
}

}  // namespace postrider::wire::dmarc_report
