// The reader of aggregate reports.
#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "base/ascii.hpp"
#include "wire/dmarc_report/feedback.hpp"
#include "wire/dmarc_report/xml_stream.hpp"
#include "wire/dsn/clean.hpp"

namespace postrider::wire::dmarc_report {
namespace {

template <class T, std::size_t N>
using Words = std::array<std::pair<std::string_view, T>, N>;

constexpr Words<Disposition, 4> kDispositions = {{{"none", Disposition::none},
                                                  {"pass", Disposition::pass},
                                                  {"quarantine", Disposition::quarantine},
                                                  {"reject", Disposition::reject}}};
constexpr Words<dmarc::Policy, 3> kPolicies = {{{"none", dmarc::Policy::none},
                                                {"quarantine", dmarc::Policy::quarantine},
                                                {"reject", dmarc::Policy::reject}}};
constexpr Words<dmarc::Alignment, 2> kAlignments = {
    {{"r", dmarc::Alignment::relaxed}, {"s", dmarc::Alignment::strict}}};

template <class T, std::size_t N>
std::optional<T> word(const Words<T, N>& words, std::string_view value) {
  const auto found =
      std::ranges::find_if(words, [&](const auto& each) { return base::iequals(each.first, value); });
  return found == words.end() ? std::nullopt : std::optional(found->second);
}

template <class T>
std::optional<T> number(std::string_view text) {
  T out{};
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc() || stopped != end) return {};
  return out;
}

std::string name_of(std::string_view text) { return dsn::clean(text, dsn::Charset::utf8, kMostName); }
std::string domain_of(std::string_view text) {
  const std::string name = base::lower(name_of(text));
  std::string_view domain = name;
  while (domain.ends_with('.')) domain = base::trim(domain.substr(0, domain.size() - 1));
  return std::string(domain);
}
std::string text_of(std::string_view text) { return dsn::clean(text, dsn::Charset::utf8, kMostText); }

// 1970 to 9999.
constexpr std::int64_t kLastSecond = 253'402'300'799;

}  // namespace

std::string_view to_string(Disposition disposition) {
  return kDispositions.at(static_cast<std::size_t>(disposition)).first;
}

struct FeedbackReader::Inside {
  Inside();
  using Take = void (*)(Inside&, std::string&&);
  void begin(std::string_view path);
  void end(std::string_view path, std::string text);
  void end_record();
  void take_time(std::string_view text, std::chrono::sys_seconds& time, bool& seen);
  static const std::unordered_map<std::string_view, Take>& fields();

  XmlStream xml;
  Feedback feedback;
  Record record;
  DkimResult dkim;
  SpfResult spf;
  Reason reason;
  // Of the present record.
  bool has_source = false, has_count = false;
  bool has_begin = false, has_end = false;
};

FeedbackReader::Inside::Inside()
    : xml({.octets = kMostXml, .depth = kMostDepth, .token = kMostToken, .text = 4 * kMostText},
          {.begin = [this](std::string_view path) { begin(path); },
           .end = [this](std::string_view path, std::string text) { end(path, std::move(text)); }}) {}

void FeedbackReader::Inside::begin(std::string_view path) {
  if (path == "feedback/record") {
    record = {};
    has_source = has_count = false;
  } else if (path == "feedback/record/auth_results/dkim") {
    dkim = {};
  } else if (path == "feedback/record/auth_results/spf") {
    spf = {};
  } else if (path == "feedback/record/row/policy_evaluated/reason") {
    reason = {};
  } else if (!path.starts_with("feedback")) {
    xml.refuse("no aggregate report: the root element is not feedback");
  }
}

void FeedbackReader::Inside::take_time(std::string_view text, std::chrono::sys_seconds& time, bool& seen) {
  // Some write fractions, or a number with a point.
  const auto seconds = number<std::int64_t>(text.substr(0, text.find('.')));
  if (!seconds || *seconds < 0 || *seconds > kLastSecond) return xml.refuse("date_range has no good numbers");
  time = std::chrono::sys_seconds(std::chrono::seconds(*seconds));
  seen = true;
}

void FeedbackReader::Inside::end_record() {
  if (!has_source) return xml.refuse("a record without a source_ip that is an address");
  if (!has_count) return xml.refuse("a record without a good count");
  if (record.header_from.empty()) return xml.refuse("a record without header_from");
  if (feedback.records.size() == kMostRecords)
    return xml.refuse("more than " + std::to_string(kMostRecords) + " records");
  feedback.records.push_back(std::move(record));
  record = {};
}

const std::unordered_map<std::string_view, FeedbackReader::Inside::Take>& FeedbackReader::Inside::fields() {
  using I = Inside;
  using S = std::string;
  static const std::unordered_map<std::string_view, Take> kFields = {
      {"feedback/version", [](I& in, S&& text) { in.feedback.version = name_of(text); }},
      {"feedback/report_metadata/org_name", [](I& in, S&& text) { in.feedback.org_name = name_of(text); }},
      {"feedback/report_metadata/email", [](I& in, S&& text) { in.feedback.email = name_of(text); }},
      {"feedback/report_metadata/extra_contact_info",
       [](I& in, S&& text) { in.feedback.extra_contact_info = text_of(text); }},
      {"feedback/report_metadata/report_id", [](I& in, S&& text) { in.feedback.report_id = name_of(text); }},
      {"feedback/report_metadata/error", [](I& in, S&& text) { in.feedback.error = text_of(text); }},
      {"feedback/report_metadata/generator", [](I& in, S&& text) { in.feedback.generator = name_of(text); }},
      {"feedback/report_metadata/date_range/begin",
       [](I& in, S&& text) { in.take_time(text, in.feedback.begin, in.has_begin); }},
      {"feedback/report_metadata/date_range/end",
       [](I& in, S&& text) { in.take_time(text, in.feedback.end, in.has_end); }},
      {"feedback/policy_published/domain",
       [](I& in, S&& text) { in.feedback.published.domain = domain_of(text); }},
      {"feedback/policy_published/p",
       [](I& in, S&& text) {
         in.feedback.published.policy = word(kPolicies, text).value_or(dmarc::Policy::none);
       }},
      {"feedback/policy_published/sp",
       [](I& in, S&& text) { in.feedback.published.subdomain = word(kPolicies, text); }},
      {"feedback/policy_published/np",
       [](I& in, S&& text) { in.feedback.published.missing = word(kPolicies, text); }},
      {"feedback/policy_published/adkim",
       [](I& in, S&& text) { in.feedback.published.dkim = word(kAlignments, text); }},
      {"feedback/policy_published/aspf",
       [](I& in, S&& text) { in.feedback.published.spf = word(kAlignments, text); }},
      {"feedback/policy_published/fo", [](I& in, S&& text) { in.feedback.published.fo = name_of(text); }},
      {"feedback/policy_published/testing",
       [](I& in, S&& text) { in.feedback.published.testing = base::iequals(text, "y"); }},
      {"feedback/policy_published/discovery_method",
       [](I& in, S&& text) {
         in.feedback.published.discovery = base::iequals(text, "treewalk") ? Discovery::treewalk
                                           : base::iequals(text, "psl")    ? Discovery::psl
                                                                           : Discovery::unknown;
       }},
      {"feedback/record/row/source_ip",
       [](I& in, S&& text) {
         if (const auto address = base::IpAddress::parse(text)) in.record.source = *address;
         in.has_source = base::IpAddress::parse(text).has_value();
       }},
      {"feedback/record/row/count",
       [](I& in, S&& text) {
         const auto count = number<std::uint64_t>(text);
         in.has_count = count && *count <= kMostMessages;
         in.record.count = count.value_or(0);
       }},
      {"feedback/record/row/policy_evaluated/disposition",
       [](I& in, S&& text) {
         in.record.disposition = word(kDispositions, text).value_or(Disposition::none);
       }},
      {"feedback/record/row/policy_evaluated/dkim",
       [](I& in, S&& text) { in.record.dkim_aligned = base::iequals(text, "pass"); }},
      {"feedback/record/row/policy_evaluated/spf",
       [](I& in, S&& text) { in.record.spf_aligned = base::iequals(text, "pass"); }},
      {"feedback/record/row/policy_evaluated/reason/type",
       [](I& in, S&& text) { in.reason.type = base::lower(name_of(text)); }},
      {"feedback/record/row/policy_evaluated/reason/comment",
       [](I& in, S&& text) { in.reason.comment = text_of(text); }},
      {"feedback/record/row/policy_evaluated/reason",
       [](I& in, S&&) {
         if (in.record.reasons.size() < kMostReasons) in.record.reasons.push_back(std::move(in.reason));
       }},
      {"feedback/record/identifiers/header_from",
       [](I& in, S&& text) { in.record.header_from = domain_of(text); }},
      {"feedback/record/identifiers/envelope_from",
       [](I& in, S&& text) { in.record.envelope_from = domain_of(text); }},
      {"feedback/record/identifiers/envelope_to",
       [](I& in, S&& text) { in.record.envelope_to = domain_of(text); }},
      {"feedback/record/auth_results/dkim/domain", [](I& in, S&& text) { in.dkim.domain = domain_of(text); }},
      {"feedback/record/auth_results/dkim/selector",
       [](I& in, S&& text) { in.dkim.selector = name_of(text); }},
      {"feedback/record/auth_results/dkim/result",
       [](I& in, S&& text) { in.dkim.result = base::lower(name_of(text)); }},
      {"feedback/record/auth_results/dkim/human_result",
       [](I& in, S&& text) { in.dkim.human_result = text_of(text); }},
      {"feedback/record/auth_results/dkim",
       [](I& in, S&&) {
         if (in.record.dkim.size() < kMostSignatures) in.record.dkim.push_back(std::move(in.dkim));
       }},
      {"feedback/record/auth_results/spf/domain", [](I& in, S&& text) { in.spf.domain = domain_of(text); }},
      {"feedback/record/auth_results/spf/scope",
       [](I& in, S&& text) { in.spf.scope = base::lower(name_of(text)); }},
      {"feedback/record/auth_results/spf/result",
       [](I& in, S&& text) { in.spf.result = base::lower(name_of(text)); }},
      {"feedback/record/auth_results/spf/human_result",
       [](I& in, S&& text) { in.spf.human_result = text_of(text); }},
      {"feedback/record/auth_results/spf",
       [](I& in, S&&) {
         if (in.record.spf.size() < kMostSpf) in.record.spf.push_back(std::move(in.spf));
       }},
      {"feedback/record", [](I& in, S&&) { in.end_record(); }},
  };
  return kFields;
}

void FeedbackReader::Inside::end(std::string_view path, std::string text) {
  const auto& known = fields();
  if (const auto found = known.find(path); found != known.end()) found->second(*this, std::move(text));
}

FeedbackReader::FeedbackReader() : inside_(std::make_unique<Inside>()) {}
FeedbackReader::~FeedbackReader() = default;

bool FeedbackReader::feed(std::string_view piece) { return inside_->xml.feed(piece); }

base::Result<Feedback> FeedbackReader::finish() {
  Inside& in = *inside_;
  const auto refuse = [](std::string why) { return base::permanent({5, 6, 0}, std::move(why)); };
  if (!in.xml.finish()) return refuse(in.xml.why());
  const Feedback& got = in.feedback;
  if (got.report_id.empty()) return refuse("no report_id");
  if (got.org_name.empty() && got.email.empty()) return refuse("nothing says who reports");
  if (!in.has_begin || !in.has_end || got.begin > got.end) return refuse("no date_range");
  if (got.published.domain.empty()) return refuse("policy_published has no domain");
  if (got.records.empty()) return refuse("no record");
  return std::move(in.feedback);
}

base::Result<Feedback> read_feedback(std::string_view xml) {
  FeedbackReader reader;
  reader.feed(xml);
  return reader.finish();
}

}  // namespace postrider::wire::dmarc_report
