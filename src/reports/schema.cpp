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

constexpr std::int32_t kApplicationId = 0x50527265;  // "PRre"

constexpr std::array<const char*, 1> kSteps = {kFormat1};

}  // namespace

store::Format schema() {
  return {.application_id = kApplicationId, .what = "database of reports", .steps = kSteps};
}

}  // namespace postrider::reports
