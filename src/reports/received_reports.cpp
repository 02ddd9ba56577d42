// What others reported to us.
#include <algorithm>

#include "reports/record_json.hpp"
#include "reports/report_store.hpp"
#include "reports/store_guard.hpp"

namespace postrider::reports {
namespace {

using wire::dmarc_report::FailureReport;
using wire::dmarc_report::Feedback;
using wire::dmarc_report::Record;

std::int64_t number(base::UtcTime time) { return time.time_since_epoch().count(); }
base::UtcTime time_of(std::int64_t number) { return base::UtcTime(base::Milliseconds(number)); }
std::uint64_t count_of(std::int64_t number) { return static_cast<std::uint64_t>(number); }
std::string text_of(std::string_view bytes) { return std::string(bytes); }

// Of ?2 itself and below; ?3 is "%." and it.
#define POSTRIDER_OF_DOMAIN "(?2='' OR report.domain=?2 OR report.domain LIKE ?3)"

}  // namespace

base::Result<bool> ReportStore::add(const Feedback& feedback, base::UtcTime received, const Origin& origin) {
  return guarded(*database_, file_, [&]() -> base::Result<bool> {
    database_->execute("BEGIN IMMEDIATE");
    const std::string policy = to_text(feedback.published);
    if (origin.proof == Proof::passed || origin.proof == Proof::imported) {
      store::Statement make_room(
          *database_,
          "DELETE FROM report WHERE domain=?1 AND org=?2 AND report_id=?3 AND first=?4 AND proof=2");
      make_room.run(feedback.published.domain, feedback.org_name, feedback.report_id, number(feedback.begin));
    }
    store::Statement insert(
        *database_,
        "INSERT INTO report(domain, org, email, report_id, first, last, policy, received, proof, author) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING");
    insert.run(feedback.published.domain, feedback.org_name, feedback.email, feedback.report_id,
               number(feedback.begin), number(feedback.end), policy, number(received),
               static_cast<std::int64_t>(origin.proof), origin.author);
    if (insert.changes() == 0) {
      database_->execute("ROLLBACK");
      return false;
    }
    const std::int64_t id = sqlite3_last_insert_rowid(database_->handle());
    store::Statement row(
        *database_,
        "INSERT INTO record(report, source, header_from, dkim, spf, disposition, count, row) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    for (const Record& record : feedback.records) {
      const std::string source = record.source.to_string(), details = to_text(record);
      row.run(id, source, record.header_from, std::int64_t{record.dkim_aligned},
              std::int64_t{record.spf_aligned}, static_cast<std::int64_t>(record.disposition),
              static_cast<std::int64_t>(record.count), details);
    }
    database_->execute("COMMIT");
    return true;
  });
}

base::Result<void> ReportStore::add(const FailureReport& failure, base::UtcTime received) {
  return guarded(*database_, file_, [&]() -> base::Result<void> {
    const std::string domain = failure.reported_domains.empty() ? "" : failure.reported_domains.front();
    const std::string source = failure.source ? failure.source->to_string() : std::string();
    const std::string what = failure.auth_failure.empty() ? failure.type : failure.auth_failure;
    std::string results;
    for (const std::string& one : failure.authentication_results)
      results += (results.empty() ? "" : "\n") + one;
    store::Statement insert(*database_, "INSERT INTO failure VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    insert.run(number(received), domain, source, what, failure.user_agent, failure.mail_from, results);
    return {};
  });
}

base::Result<std::vector<Sender>> ReportStore::senders(const Wanted& wanted) {
  return guarded(*database_, file_, [&]() -> base::Result<std::vector<Sender>> {
    store::Statement select(
        *database_,
        "SELECT source, header_from, sum(count), sum(CASE WHEN dkim OR spf THEN count ELSE 0 END), "
        "sum(dkim*count), sum(spf*count), sum(CASE WHEN disposition=2 THEN count ELSE 0 END), "
        "sum(CASE WHEN disposition=3 THEN count ELSE 0 END), count(DISTINCT report.org), "
        "sum(CASE WHEN proof=2 THEN count ELSE 0 END) "
        "FROM report JOIN record ON record.report=report.id WHERE last>=?1 AND " POSTRIDER_OF_DOMAIN
        " GROUP BY source, header_from ORDER BY 3 DESC, source, header_from LIMIT ?4");
    const std::string domain = wanted.domain.value_or(""), below = "%." + domain;
    std::vector<Sender> out;
    store::Rows rows =
        select.query(number(wanted.since), domain, below, static_cast<std::int64_t>(wanted.limit));
    while (rows.next()) {
      out.push_back({.source = text_of(rows.bytes(0)),
                     .header_from = text_of(rows.bytes(1)),
                     .messages = count_of(rows.number(2)),
                     .passed = count_of(rows.number(3)),
                     .dkim = count_of(rows.number(4)),
                     .spf = count_of(rows.number(5)),
                     .quarantined = count_of(rows.number(6)),
                     .rejected = count_of(rows.number(7)),
                     .reporters = count_of(rows.number(8)),
                     .unproven = count_of(rows.number(9))});
    }
    return out;
  });
}

base::Result<std::vector<StoredReport>> ReportStore::reports(const Wanted& wanted) {
  return guarded(*database_, file_, [&]() -> base::Result<std::vector<StoredReport>> {
    store::Statement select(
        *database_,
        "SELECT report.domain, org, email, report_id, first, last, received, count(*), sum(count), "
        "sum(CASE WHEN dkim OR spf THEN count ELSE 0 END), proof, author "
        "FROM report JOIN record ON record.report=report.id WHERE last>=?1 AND " POSTRIDER_OF_DOMAIN
        " GROUP BY report.id ORDER BY first DESC, org LIMIT ?4");
    const std::string domain = wanted.domain.value_or(""), below = "%." + domain;
    std::vector<StoredReport> out;
    store::Rows rows =
        select.query(number(wanted.since), domain, below, static_cast<std::int64_t>(wanted.limit));
    while (rows.next()) {
      out.push_back({.domain = text_of(rows.bytes(0)),
                     .org = text_of(rows.bytes(1)),
                     .email = text_of(rows.bytes(2)),
                     .report_id = text_of(rows.bytes(3)),
                     .first = time_of(rows.number(4)),
                     .last = time_of(rows.number(5)),
                     .received = time_of(rows.number(6)),
                     .records = count_of(rows.number(7)),
                     .messages = count_of(rows.number(8)),
                     .passed = count_of(rows.number(9)),
                     .origin = {.proof = static_cast<Proof>(std::clamp<std::int64_t>(rows.number(10), 0, 3)),
                                .author = text_of(rows.bytes(11))}});
    }
    return out;
  });
}

base::Result<std::vector<StoredFailure>> ReportStore::failures(const Wanted& wanted) {
  return guarded(*database_, file_, [&]() -> base::Result<std::vector<StoredFailure>> {
    store::Statement select(
        *database_,
        "SELECT received, domain, source, what, reporter, mail_from, results FROM failure "
        "WHERE received>=?1 AND (?2='' OR domain=?2 OR domain LIKE ?3) "
        "ORDER BY id DESC LIMIT ?4");
    const std::string domain = wanted.domain.value_or(""), below = "%." + domain;
    std::vector<StoredFailure> out;
    store::Rows rows =
        select.query(number(wanted.since), domain, below, static_cast<std::int64_t>(wanted.limit));
    while (rows.next()) {
      out.push_back({.received = time_of(rows.number(0)),
                     .domain = text_of(rows.bytes(1)),
                     .source = text_of(rows.bytes(2)),
                     .what = text_of(rows.bytes(3)),
                     .reporter = text_of(rows.bytes(4)),
                     .mail_from = text_of(rows.bytes(5)),
                     .results = text_of(rows.bytes(6))});
    }
    return out;
  });
}

}  // namespace postrider::reports
