// Aggregate reports from anywhere: what is read keeps to its bounds, and is written so that it is read back the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/dmarc_report/feedback.hpp"

namespace reports = postrider::wire::dmarc_report;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_bounds(const reports::Feedback& feedback) {
  require(!feedback.records.empty() && feedback.records.size() <= reports::kMostRecords);
  require(feedback.org_name.size() <= reports::kMostName && feedback.begin <= feedback.end);
  for (const auto& record : feedback.records) {
    require(record.count <= reports::kMostMessages && !record.header_from.empty());
    require(record.dkim.size() <= reports::kMostSignatures && record.spf.size() <= reports::kMostSpf);
    require(record.reasons.size() <= reports::kMostReasons);
    for (const auto& dkim : record.dkim) require(dkim.human_result.size() <= reports::kMostText);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  auto feedback = reports::read_feedback(xml);
  // In two pieces it is the same.
  reports::FeedbackReader reader;
  reader.feed(xml.substr(0, size / 2));
  reader.feed(xml.substr(size / 2));
  const auto again = reader.finish();
  require(feedback.has_value() == again.has_value());
  if (!feedback) {
    require(feedback.error().permanent() && !feedback.error().text.empty());
    return 0;
  }
  require(*feedback == *again);
  check_bounds(*feedback);
  feedback->version = "1.0";
  const auto back = reports::read_feedback(reports::write_feedback(*feedback));
  require(back && *back == *feedback);
  return 0;
}
