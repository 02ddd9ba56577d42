#include "reports/report_store.hpp"

#include <gtest/gtest.h>

#include <array>

#include "reports/record_json.hpp"
#include "reports/schema.hpp"
#include "reports/testing/house.hpp"

namespace postrider::reports {
namespace {

using testing::at;
using testing::day;
using testing::House;
using testing::record;
using testing::seen;
using wire::dmarc_report::Feedback;
using wire::dmarc_report::Record;

std::vector<std::pair<std::string, std::uint64_t>> rows(const ReportStore::Content& content) {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const Record& one : content.records) out.emplace_back(one.source.to_string(), one.count);
  return out;
}

TEST(ReportStore, AddsEqualRowsOfADayTogether) {
  const House house;
  const auto store = house.open();
  ASSERT_TRUE(
      store->add({seen("a.test", "192.0.2.1"), seen("a.test", "192.0.2.2"), seen("b.test", "192.0.2.1")}));
  ASSERT_TRUE(store->add({seen("a.test", "192.0.2.1", 5)}));
  auto later = seen("a.test", "192.0.2.1");
  later.day += std::chrono::days(1);
  ASSERT_TRUE(store->add({later}));
  const auto content = store->content(day(0), "a.test");
  ASSERT_TRUE(content);
  const std::vector<std::pair<std::string, std::uint64_t>> expected = {{"192.0.2.1", 6}, {"192.0.2.2", 1}};
  EXPECT_EQ(rows(*content), expected);
  EXPECT_EQ(content->published, seen("a.test", "192.0.2.1").published);
  EXPECT_EQ(rows(*store->content(day(1), "a.test")).size(), 1u);
}

TEST(ReportStore, KeepsAllOfARecord) {
  const House house;
  const auto store = house.open();
  Seen one = seen("a.test", "2001:db8::1");
  one.record.disposition = wire::dmarc_report::Disposition::quarantine;
  one.record.dkim_aligned = true;
  one.record.reasons = {{"local_policy", "why \"so\""}, {"other", ""}};
  one.record.envelope_from = "";
  one.record.envelope_to = "here.test";
  one.record.dkim = {{"a.test", "s", "pass", ""}, {"b.test", "t", "fail", "Größe"}};
  one.record.spf = {{"a.test", "mfrom", "softfail", ""}};
  one.published.missing = wire::dmarc::Policy::reject;
  one.published.spf = wire::dmarc::Alignment::strict;
  one.published.fo = "1:d";
  one.published.testing = true;
  ASSERT_TRUE(store->add({one}));
  const auto content = store->content(day(0), "a.test");
  ASSERT_TRUE(content);
  EXPECT_EQ(content->records, std::vector<Record>{one.record});
  EXPECT_EQ(content->published, one.published);
}

TEST(ReportStore, BoundsTheRowsOfADomainAndDay) {
  const House house;
  const auto store = house.open();
  std::vector<Seen> many;
  for (int i = 0; i < 10'010; ++i)
    many.push_back(seen("a.test", "10.1." + std::to_string(i / 256) + '.' + std::to_string(i % 256), 2));
  ASSERT_TRUE(store->add(many));
  const auto outgoing = store->outgoing({});
  ASSERT_TRUE(outgoing);
  ASSERT_EQ(outgoing->size(), 1u);
  EXPECT_EQ(outgoing->front().rows, ReportStore::kMostRows);
  EXPECT_EQ(outgoing->front().left_out, 20u);
  EXPECT_EQ(outgoing->front().messages, 20'000u);
}

TEST(ReportStore, SaysWhatIsDueWhenTheDayIsOver) {
  const House house;
  const auto store = house.open();
  ASSERT_TRUE(store->add({seen("a.test", "192.0.2.1"), seen("b.test", "192.0.2.1")}));
  EXPECT_TRUE(store->due(at(day(0)) + std::chrono::hours(23), 10)->empty());
  auto due = store->due(at(day(1)), 10);
  ASSERT_TRUE(due);
  ASSERT_EQ(due->size(), 2u);
  OutgoingReport first = due->at(0), second = due->at(1);
  first.state = ReportState::sent;
  first.note = "to whom";
  second.attempts = 1;
  second.due = at(day(1)) + std::chrono::hours(1);
  ASSERT_TRUE(store->settle(first) && store->settle(second));
  EXPECT_TRUE(store->due(at(day(1)) + std::chrono::minutes(59), 10)->empty());
  due = store->due(at(day(1)) + std::chrono::hours(1), 10);
  ASSERT_EQ(due->size(), 1u);
  EXPECT_EQ(due->front().domain, "b.test");
  EXPECT_TRUE(store->content(day(0), "a.test")->records.empty());
  EXPECT_EQ(store->content(day(0), "b.test")->records.size(), 1u);
}

const Origin kPassed{.proof = Proof::passed, .author = "google.com"};

Feedback feedback(std::string id, std::string org = "google.com") {
  Feedback out;
  out.org_name = std::move(org);
  out.report_id = std::move(id);
  out.begin = day(0);
  out.end = day(1);
  out.published.domain = "a.test";
  out.records = {record("192.0.2.1", 10), record("192.0.2.2", 3)};
  out.records[0].dkim_aligned = true;
  out.records[1].disposition = wire::dmarc_report::Disposition::reject;
  return out;
}

TEST(ReportStore, TakesAReportOnce) {
  const House house;
  const auto store = house.open();
  EXPECT_EQ(store->add(feedback("1"), at(day(1)), kPassed), true);
  EXPECT_EQ(store->add(feedback("1"), at(day(2)), kPassed), false);
  EXPECT_EQ(store->add(feedback("1", "example.org"), at(day(2)), kPassed), true);
  const auto reports = store->reports({});
  ASSERT_TRUE(reports);
  ASSERT_EQ(reports->size(), 2u);
  EXPECT_EQ(reports->at(0).messages, 13u);
  EXPECT_EQ(reports->at(0).passed, 10u);
}

TEST(ReportStore, SumsUpWhoSends) {
  const House house;
  const auto store = house.open();
  ASSERT_TRUE(store->add(feedback("1"), at(day(1)), kPassed) &&
              store->add(feedback("2", "example.org"), at(day(1)), kPassed));
  const auto senders = store->senders({.domain = "a.test", .since = at(day(0)), .limit = 10});
  ASSERT_TRUE(senders);
  ASSERT_EQ(senders->size(), 2u);
  EXPECT_EQ(senders->at(0).source, "192.0.2.1");
  EXPECT_EQ(senders->at(0).messages, 20u);
  EXPECT_EQ(senders->at(0).passed, 20u);
  EXPECT_EQ(senders->at(0).dkim, 20u);
  EXPECT_EQ(senders->at(0).spf, 0u);
  EXPECT_EQ(senders->at(0).reporters, 2u);
  EXPECT_EQ(senders->at(1).rejected, 6u);
  EXPECT_TRUE(store->senders({.domain = "test", .since = {}, .limit = 10})->size() == 2);
  EXPECT_TRUE(store->senders({.domain = "b.test", .since = {}, .limit = 10})->empty());
  EXPECT_TRUE(store->senders({.domain = {}, .since = at(day(2)), .limit = 10})->empty());
}

TEST(ReportStore, LetsAnUnprovenReportKeepOutNoOther) {
  const House house;
  const auto store = house.open();
  const Origin unproven{.proof = Proof::unproven};
  Feedback forged = feedback("1");
  forged.records = {record("203.0.113.66", 1000)};
  EXPECT_EQ(store->add(forged, at(day(1)), unproven), true);
  EXPECT_EQ(store->add(feedback("1"), at(day(1)), unproven), false);
  EXPECT_EQ(store->senders({})->at(0).unproven, 1000u);
  EXPECT_EQ(store->add(feedback("1"), at(day(1)), kPassed), true);
  EXPECT_EQ(store->add(forged, at(day(1)), kPassed), false);
  const auto reports = store->reports({});
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_EQ(reports->at(0).messages, 13u);
  EXPECT_EQ(reports->at(0).origin.author, "google.com");
  const auto senders = store->senders({});
  ASSERT_EQ(senders->size(), 2u);
  EXPECT_EQ(senders->at(0).unproven, 0u);
}

// RFC 9991 2
TEST(ReportStore, BoundsTheFailureReportsOfADay) {
  const House house;
  const auto take = [&](int of, const std::string& domain) {
    return house.open()->take_failure_place(day(of), domain, {.of_domain = 2, .of_all = 3});
  };
  EXPECT_EQ(take(0, "a.test"), true);
  EXPECT_EQ(take(0, "a.test"), true);
  EXPECT_EQ(take(0, "a.test"), false);
  EXPECT_EQ(take(0, "b.test"), true);
  EXPECT_EQ(take(0, "c.test"), false);
  EXPECT_EQ(take(1, "a.test"), true);
  ASSERT_TRUE(house.open()->forget(at(day(1)), std::chrono::days(30)));
  EXPECT_EQ(take(1, "a.test"), true);
  EXPECT_EQ(take(1, "a.test"), false);
}

TEST(ReportStore, ForgetsWhatIsOld) {
  const House house;
  const auto store = house.open();
  ASSERT_TRUE(store->add(feedback("1"), at(day(1)), kPassed));
  ASSERT_TRUE(store->add({seen("a.test", "192.0.2.1")}));
  ASSERT_TRUE(store->forget(at(day(3)), std::chrono::days(30)));
  EXPECT_EQ(store->content(day(0), "a.test")->records.size(), 1u);
  ASSERT_TRUE(store->forget(at(day(7)), std::chrono::days(30)));
  EXPECT_TRUE(store->content(day(0), "a.test")->records.empty());
  EXPECT_EQ(store->outgoing({})->at(0).state, ReportState::given_up);
  EXPECT_EQ(store->reports({})->size(), 1u);
  ASSERT_TRUE(store->forget(at(day(40)), std::chrono::days(30)));
  EXPECT_TRUE(store->reports({})->empty());
  EXPECT_TRUE(store->senders({})->empty());
  EXPECT_TRUE(store->outgoing({})->empty());
}

TEST(ReportStore, KeepsFailureReports) {
  const House house;
  const auto store = house.open();
  wire::dmarc_report::FailureReport failure;
  failure.type = "auth-failure";
  failure.auth_failure = "dmarc";
  failure.reported_domains = {"a.test"};
  failure.source = base::IpAddress::parse("192.0.2.9");
  failure.authentication_results = {"x; dmarc=fail"};
  ASSERT_TRUE(store->add(failure, at(day(1))));
  const auto failures = store->failures({.domain = "a.test", .since = {}, .limit = 10});
  ASSERT_TRUE(failures);
  ASSERT_EQ(failures->size(), 1u);
  EXPECT_EQ(failures->at(0).what, "dmarc");
  EXPECT_EQ(failures->at(0).source, "192.0.2.9");
}

TEST(ReportStore, RefusesANewerFormatAndForeignFiles) {
  const House house;
  house.open();
  store::Database database((house.folder() / "reports.db").string(), nullptr,
                           store::Database::Access::read_write);
  database.execute("PRAGMA user_version=99");
  auto opened = ReportStore::open(house.folder());
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().permanent());
  database.execute("PRAGMA user_version=1");
  database.execute("PRAGMA application_id=5");
  EXPECT_FALSE(ReportStore::open(house.folder()));
}

// What was there before it was noted who had sent it stays, and says that it is not known.
TEST(ReportStore, GoesForwardFromFormat1WithWhatIsInIt) {
  const House house;
  const auto file = house.folder() / "reports.db";
  {
    store::Database database(file.string(), nullptr, store::Database::Access::read_write);
    store::Format first = schema();
    first.steps = first.steps.first(1);
    ASSERT_TRUE(migrate(database, file, first));
    database.execute(
        "INSERT INTO report VALUES(1, 'a.test', 'google.com', '', '1', 1800000000000, 1800086400000, '{}', "
        "1800086400000);"
        "INSERT INTO record VALUES(1, 1, '192.0.2.1', 'a.test', 1, 0, 0, 7, '{}');"
        "INSERT INTO seen_day VALUES(20833, 'b.test', '{}', 1, 0, 0, 0, 0, '');"
        "INSERT INTO seen_row VALUES(20833, 'b.test', '{}', 5)");
  }
  const auto store = house.open();
  const auto reports = store->reports({});
  ASSERT_TRUE(reports);
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_EQ(reports->at(0).messages, 7u);
  EXPECT_EQ(reports->at(0).origin.proof, Proof::unknown);
  EXPECT_EQ(store->outgoing({})->at(0).messages, 5u);
  EXPECT_TRUE(store->add(feedback("2"), at(day(1)), kPassed));
  EXPECT_TRUE(std::filesystem::exists(file.string() + ".format-1"));
}

TEST(ReportStore, GoesForwardFromAnOlderFormat) {
  const House house;
  const auto file = house.folder() / "reports.db";
  store::Database database(file.string(), nullptr, store::Database::Access::read_write);
  auto format = schema();
  ASSERT_TRUE(migrate(database, file, format));
  std::vector<const char*> steps(format.steps.begin(), format.steps.end());
  steps.push_back("CREATE TABLE later(x INTEGER)");
  format.steps = steps;
  ASSERT_TRUE(migrate(database, file, format));
  EXPECT_EQ(database.number("PRAGMA user_version"), static_cast<std::int64_t>(steps.size()));
  EXPECT_EQ(database.number("SELECT count(*) FROM later"), 0);
}

}  // namespace
}  // namespace postrider::reports
