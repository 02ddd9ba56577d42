#include "reports/schema.hpp"

#include <array>
#include <cstdint>

namespace postrider::reports {
namespace {

// Days are counted from 1970-01-01, times are ms since then, domains A-labels in lower case. `policy` and `row` are what
// record_json.hpp writes.
constexpr const char* kFormat1 = R"sql(
CREATE TABLE seen_day(
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  policy TEXT NOT NULL,
  rows INTEGER NOT NULL,
  left_out INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY(day, domain)) WITHOUT ROWID;
CREATE TABLE seen_row(
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  row TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(day, domain, row)) WITHOUT ROWID;
CREATE TABLE report(
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  domain TEXT NOT NULL,
  org TEXT NOT NULL,
  email TEXT NOT NULL,
  report_id TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  policy TEXT NOT NULL,
  received INTEGER NOT NULL,
  UNIQUE(domain, org, report_id, first));
CREATE INDEX report_by_end ON report(last);
CREATE TABLE record(
  id INTEGER NOT NULL PRIMARY KEY,
  report INTEGER NOT NULL REFERENCES report(id) ON DELETE CASCADE,
  source TEXT NOT NULL,
  header_from TEXT NOT NULL,
  dkim INTEGER NOT NULL,
  spf INTEGER NOT NULL,
  disposition INTEGER NOT NULL,
  count INTEGER NOT NULL,
  row TEXT NOT NULL);
CREATE INDEX record_of_report ON record(report);
CREATE TABLE failure(
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  received INTEGER NOT NULL,
  domain TEXT NOT NULL,
  source TEXT NOT NULL,
  what TEXT NOT NULL,
  reporter TEXT NOT NULL,
  mail_from TEXT NOT NULL,
  results TEXT NOT NULL);
)sql";

// `proof` is Proof by its number; of reports that were here before it is 0, unknown.
constexpr const char* kFormat2 = R"sql(
ALTER TABLE report ADD COLUMN proof INTEGER NOT NULL DEFAULT 0;
ALTER TABLE report ADD COLUMN author TEXT NOT NULL DEFAULT '';
CREATE TABLE failure_sent(
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(day, domain)) WITHOUT ROWID;
)sql";

constexpr std::int32_t kApplicationId = 0x50527265;  // "PRre"

constexpr std::array<const char*, 2> kSteps = {kFormat1, kFormat2};

}  // namespace

store::Format schema() {
  return {.application_id = kApplicationId, .what = "database of reports", .steps = kSteps};
}

base::Result<void> check_copy(store::Database& database, const std::filesystem::path& path) {
  const auto refuse = [&](std::string why) {
    return base::permanent({5, 3, 5}, "it is no database of reports", std::move(why));
  };
  if (database.number("PRAGMA application_id") != kApplicationId)
    return refuse(path.string() + " is not a database of reports of postrider");
  const std::int64_t format = database.number("PRAGMA user_version");
  const auto known = static_cast<std::int64_t>(kSteps.size());
  if (format <= known) return {};
  return refuse(store::newer_format(path, format, known));
}

}  // namespace postrider::reports
