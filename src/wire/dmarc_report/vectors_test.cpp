// Reports as others write them: $POSTRIDER_VECTORS/reports. 10 with what is in them, 5 more mails, 5 failure reports.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/ascii.hpp"
#include "wire/dmarc_report/report_mail.hpp"

namespace postrider::wire::dmarc_report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path vectors() {
  const char* folder = std::getenv("POSTRIDER_VECTORS");
  return (folder ? fs::path(folder) : fs::path(POSTRIDER_SOURCE_DIR) / "../shared/vectors") / "reports";
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<fs::path> files(const fs::path& folder, std::string_view extension) {
  std::set<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == extension) out.insert(entry.path());
  return out;
}

json expected_of(fs::path file) { return json::parse(content(file.replace_extension(".json"))); }

// "MailFrom", "TrustedForwarder": as their program names its values.
std::string words(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (base::is_alnum(c)) out += base::to_lower(c);
  return out;
}

std::string text(const json& value) { return value.is_null() ? "" : value.get<std::string>(); }
std::string expected_word(const json& value) {
  const std::string word = words(text(value));
  return word == "unspecified" ? "" : word;
}

void compare(const Record& record, const json& expected) {
  const json& row = expected["row"];
  EXPECT_EQ(record.source.to_string(), text(row["source_ip"]));
  EXPECT_EQ(record.count, row["count"].get<std::uint64_t>());
  const json& evaluated = row["policy_evaluated"];
  EXPECT_EQ(to_string(record.disposition), expected_word(evaluated["disposition"]));
  EXPECT_EQ(record.dkim_aligned, evaluated["dkim"] == "Pass");
  EXPECT_EQ(record.spf_aligned, evaluated["spf"] == "Pass");
  ASSERT_EQ(record.reasons.size(), evaluated["reason"].size());
  for (std::size_t i = 0; i < record.reasons.size(); ++i) {
    // RFC 9990 3.1.6 has RFC 7489's sampled_out no more; the word stays, and they call it other.
    const std::string type = words(record.reasons[i].type);
    EXPECT_EQ(type == "sampledout" ? "other" : type, words(text(evaluated["reason"][i]["type_"])));
    EXPECT_EQ(record.reasons[i].comment, text(evaluated["reason"][i]["comment"]));
  }
  EXPECT_EQ(record.header_from, text(expected["identifiers"]["header_from"]));
  EXPECT_EQ(record.envelope_from.value_or(""), text(expected["identifiers"]["envelope_from"]));
  EXPECT_EQ(record.envelope_to, text(expected["identifiers"]["envelope_to"]));
  const json& dkim = expected["auth_results"]["dkim"];
  ASSERT_EQ(record.dkim.size(), dkim.size());
  for (std::size_t i = 0; i < record.dkim.size(); ++i) {
    EXPECT_EQ(record.dkim[i].domain, text(dkim[i]["domain"]));
    EXPECT_EQ(record.dkim[i].selector, text(dkim[i]["selector"]));
    EXPECT_EQ(words(record.dkim[i].result), expected_word(dkim[i]["result"]));
    EXPECT_EQ(record.dkim[i].human_result, text(dkim[i]["human_result"]));
  }
  const json& spf = expected["auth_results"]["spf"];
  ASSERT_EQ(record.spf.size(), spf.size());
  for (std::size_t i = 0; i < record.spf.size(); ++i) {
    EXPECT_EQ(record.spf[i].domain, text(spf[i]["domain"]));
    EXPECT_EQ(record.spf[i].scope == "mfrom" ? "mailfrom" : record.spf[i].scope,
              expected_word(spf[i]["scope"]));
    EXPECT_EQ(words(record.spf[i].result), expected_word(spf[i]["result"]));
  }
}

void compare(const Feedback& feedback, const json& expected) {
  const json& metadata = expected["report_metadata"];
  EXPECT_EQ(feedback.org_name, text(metadata["org_name"]));
  EXPECT_EQ(feedback.email, text(metadata["email"]));
  EXPECT_EQ(feedback.extra_contact_info, text(metadata["extra_contact_info"]));
  EXPECT_EQ(feedback.report_id, text(metadata["report_id"]));
  EXPECT_EQ(feedback.begin.time_since_epoch().count(), metadata["date_range"]["begin"].get<std::int64_t>());
  EXPECT_EQ(feedback.end.time_since_epoch().count(), metadata["date_range"]["end"].get<std::int64_t>());
  const json& published = expected["policy_published"];
  EXPECT_EQ(feedback.published.domain, text(published["domain"]));
  EXPECT_EQ(dmarc::to_string(feedback.published.policy), expected_word(published["p"]));
  EXPECT_EQ(feedback.published.subdomain ? dmarc::to_string(*feedback.published.subdomain) : "",
            expected_word(published["sp"]));
  EXPECT_EQ(feedback.published.testing, published["testing"].get<bool>());
  EXPECT_EQ(feedback.published.fo, text(published["fo"]));
  const auto alignment = [](const std::optional<dmarc::Alignment>& mode) {
    return !mode ? "" : *mode == dmarc::Alignment::strict ? "strict" : "relaxed";
  };
  EXPECT_EQ(alignment(feedback.published.dkim), expected_word(published["adkim"]));
  EXPECT_EQ(alignment(feedback.published.spf), expected_word(published["aspf"]));
  ASSERT_EQ(feedback.records.size(), expected["record"].size());
  for (std::size_t i = 0; i < feedback.records.size(); ++i)
    compare(feedback.records[i], expected["record"][i]);
}

TEST(DmarcReportVectors, AggregateReportsHaveWhatTheirJsonSays) {
  if (!fs::exists(vectors())) GTEST_SKIP() << "vectors missing: reports";
  int count = 0;
  for (const char* extension : {".xml", ".eml"}) {
    for (const fs::path& file : files(vectors() / "dmarc-feedback", extension)) {
      SCOPED_TRACE(file.filename());
      const auto read = read_report_file(content(file));
      ASSERT_TRUE(read) << read.error().text;
      ASSERT_EQ(read->aggregate.size(), 1u);
      compare(read->aggregate[0], expected_of(file));
      EXPECT_EQ(read_feedback(write_feedback(read->aggregate[0]))->records, read->aggregate[0].records);
      ++count;
    }
  }
  EXPECT_EQ(count, 10);
}

TEST(DmarcReportVectors, MailsOfProvidersAreRead) {
  if (!fs::exists(vectors())) GTEST_SKIP() << "vectors missing: reports";
  int count = 0;
  for (const fs::path& file : files(vectors() / "mox-dmarc", ".eml")) {
    SCOPED_TRACE(file.filename());
    const auto read = read_report_mail(content(file));
    ASSERT_TRUE(read) << read.error().text;
    ASSERT_EQ(read->aggregate.size(), 1u);
    EXPECT_EQ(read->aggregate[0].published.domain, "ueber.net");
    EXPECT_FALSE(read->aggregate[0].records.empty());
    ++count;
  }
  EXPECT_EQ(count, 5);
}

TEST(DmarcReportVectors, FailureReportsHaveWhatTheirJsonSays) {
  if (!fs::exists(vectors())) GTEST_SKIP() << "vectors missing: reports";
  int count = 0;
  for (const fs::path& file : files(vectors() / "arf", ".eml")) {
    SCOPED_TRACE(file.filename());
    const auto found = find_failure_report(content(file));
    ASSERT_TRUE(found && *found);
    const FailureReport& report = **found;
    const json expected = expected_of(file);
    EXPECT_EQ(words(report.type), expected_word(expected["feedback_type"]));
    EXPECT_EQ(report.user_agent, text(expected["user_agent"]));
    EXPECT_EQ(report.version, expected["version"].get<std::uint32_t>());
    EXPECT_EQ(report.incidents, expected["incidents"].get<std::uint32_t>());
    EXPECT_EQ(report.arrival.has_value(), !expected["arrival_date"].is_null());
    if (report.arrival) {
      EXPECT_EQ(report.arrival->time_since_epoch() / std::chrono::seconds(1),
                expected["arrival_date"].get<std::int64_t>());
    }
    EXPECT_EQ(report.source ? report.source->to_string() : "", text(expected["source_ip"]));
    EXPECT_EQ(report.envelope_id, text(expected["original_envelope_id"]));
    EXPECT_EQ(report.mail_from, text(expected["original_mail_from"]));
    EXPECT_EQ(report.rcpt_to, text(expected["original_rcpt_to"]));
    EXPECT_EQ(report.reporting_mta, text(expected["reporting_mta"]));
    EXPECT_EQ(words(report.auth_failure), expected_word(expected["auth_failure"]));
    EXPECT_EQ(report.dkim_domain, text(expected["dkim_domain"]));
    EXPECT_EQ(report.dkim_identity, text(expected["dkim_identity"]));
    EXPECT_EQ(report.dkim_selector, text(expected["dkim_selector"]));
    EXPECT_EQ(report.reported_domains, expected["reported_domain"].get<std::vector<std::string>>());
    EXPECT_EQ(report.reported_uris, expected["reported_uri"].get<std::vector<std::string>>());
    EXPECT_EQ(report.authentication_results.size(), expected["authentication_results"].size());
    ++count;
  }
  EXPECT_EQ(count, 5);
}

}  // namespace
}  // namespace postrider::wire::dmarc_report
