// What is to be reported to others; received_reports.cpp has what others reported.
#include "reports/report_store.hpp"

#include <sys/stat.h>

#include <array>

#include "reports/record_json.hpp"
#include "reports/schema.hpp"
#include "reports/store_guard.hpp"
#include "store/database_copy.hpp"
#include "store/files.hpp"

namespace postrider::reports {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"open", "sent", "unwanted", "given up"};

std::int64_t number(Day day) { return day.time_since_epoch().count(); }
std::int64_t number(base::UtcTime time) { return time.time_since_epoch().count(); }
std::int64_t number(std::uint64_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

std::string_view to_string(Proof proof) {
  constexpr std::array<std::string_view, 4> kProofs = {"unknown", "passed", "unproven", "imported"};
  return kProofs.at(static_cast<std::size_t>(proof));
}

std::string_view to_string(ReportState state) { return kStates.at(static_cast<std::size_t>(state)); }

base::Result<std::unique_ptr<ReportStore>> ReportStore::open(const std::filesystem::path& folder) {
  if (auto made = store::make_directory(folder); !made) return std::unexpected(std::move(made.error()));
  const std::filesystem::path file = file_in(folder);
  try {
    // Mode 0600: the folder's keeps it until then.
    auto database =
        std::make_unique<store::Database>(file.string(), nullptr, store::Database::Access::read_write);
    chmod(file.c_str(), 0600);
    if (database->text("PRAGMA journal_mode=WAL") != "wal")
      throw store::SqlError("the file system can't hold a WAL");
    database->execute("PRAGMA synchronous=FULL");
    database->execute("PRAGMA foreign_keys=ON");
    if (auto migrated = migrate(*database, file, schema()); !migrated)
      return std::unexpected(std::move(migrated.error()));
    return std::unique_ptr<ReportStore>(new ReportStore(file, std::move(database)));
  } catch (const store::SqlError& error) {
    return std::unexpected(failure_of(error, file));
  }
}

base::Result<bool> ReportStore::copy(const std::filesystem::path& folder, const std::filesystem::path& to) {
  const std::filesystem::path file = file_in(folder);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return false;
  try {
    store::Database database(file.string(), nullptr, store::Database::Access::read_only);
    if (auto copied = store::copy_database(database, to); !copied)
      return std::unexpected(std::move(copied.error()));
  } catch (const store::SqlError& error) {
    return std::unexpected(failure_of(error, file));
  }
  chmod(to.c_str(), 0600);
  return true;
}

template <class Work>
auto ReportStore::guard(Work&& work) -> decltype(work()) {
  return guarded(*database_, file_, std::forward<Work>(work));
}

base::Result<void> ReportStore::add(const std::vector<Seen>& seen) {
  return guard([&]() -> base::Result<void> {
    database_->execute("BEGIN IMMEDIATE");
    for (const Seen& one : seen) add_row(one);
    database_->execute("COMMIT");
    return {};
  });
}

// Its line of the day, which is made where there is a place for it.
bool ReportStore::has_day(const Seen& seen, const std::string& policy) {
  const std::string& domain = seen.published.domain;
  store::Statement update(*database_, "UPDATE seen_day SET policy=?3 WHERE day=?1 AND domain=?2");
  update.run(number(seen.day), domain, policy);
  if (update.changes() > 0) return true;
  store::Statement count(*database_, "SELECT count(*) FROM seen_day WHERE day=?1");
  {
    store::Rows rows = count.query(number(seen.day));
    if (rows.next() && rows.number(0) >= number(kMostDomains)) return false;
  }
  store::Statement insert(*database_, "INSERT INTO seen_day VALUES(?1, ?2, ?3, 0, 0, 0, 0, 0, '')");
  insert.run(number(seen.day), domain, policy);
  return true;
}

void ReportStore::add_row(const Seen& seen) {
  const std::string policy = to_text(seen.published), row = to_text(seen.record);
  const std::string& domain = seen.published.domain;
  if (!has_day(seen, policy)) return;
  store::Statement update(*database_,
                          "UPDATE seen_row SET count=count+?4 WHERE day=?1 AND domain=?2 AND row=?3");
  update.run(number(seen.day), domain, row, number(seen.record.count));
  if (update.changes() > 0) return;
  store::Statement place(*database_,
                         "UPDATE seen_day SET rows=rows+1 WHERE day=?1 AND domain=?2 AND rows<?3");
  place.run(number(seen.day), domain, number(kMostRows));
  if (place.changes() > 0) {
    store::Statement insert(*database_, "INSERT INTO seen_row VALUES(?1, ?2, ?3, ?4)");
    insert.run(number(seen.day), domain, row, number(seen.record.count));
  } else {
    store::Statement left_out(*database_,
                              "UPDATE seen_day SET left_out=left_out+?3 WHERE day=?1 AND domain=?2");
    left_out.run(number(seen.day), domain, number(seen.record.count));
  }
}

std::vector<OutgoingReport> ReportStore::read_outgoing(store::Rows rows) {
  std::vector<OutgoingReport> out;
  while (rows.next()) {
    OutgoingReport one{.day = Day(std::chrono::days(rows.number(0))), .domain = std::string(rows.bytes(1))};
    one.state = static_cast<ReportState>(std::min<std::int64_t>(rows.number(2), 3));
    one.rows = static_cast<std::uint64_t>(rows.number(3));
    one.left_out = static_cast<std::uint64_t>(rows.number(4));
    one.attempts = static_cast<std::uint32_t>(rows.number(5));
    one.due = base::UtcTime(base::Milliseconds(rows.number(6)));
    one.note = std::string(rows.bytes(7));
    one.messages = static_cast<std::uint64_t>(rows.number(8));
    out.push_back(std::move(one));
  }
  return out;
}

base::Result<std::vector<OutgoingReport>> ReportStore::due(base::UtcTime now, std::size_t limit) {
  return guard([&]() -> base::Result<std::vector<OutgoingReport>> {
    store::Statement select(*database_,
                            "SELECT day, domain, state, rows, left_out, attempts, due, note, 0 FROM seen_day "
                            "WHERE state=0 AND day<?1 AND due<=?2 ORDER BY day, domain LIMIT ?3");
    return read_outgoing(select.query(number(std::chrono::floor<std::chrono::days>(now)), number(now),
                                      static_cast<std::int64_t>(limit)));
  });
}

base::Result<std::vector<OutgoingReport>> ReportStore::outgoing(const Wanted& wanted) {
  return guard([&]() -> base::Result<std::vector<OutgoingReport>> {
    store::Statement select(
        *database_,
        "SELECT day, domain, state, rows, left_out, attempts, due, note, (SELECT coalesce(sum(count), 0) "
        "FROM seen_row WHERE seen_row.day=seen_day.day AND seen_row.domain=seen_day.domain) "
        "FROM seen_day WHERE day>=?1 AND (?2='' OR domain=?2 OR domain LIKE ?3) "
        "ORDER BY day DESC, domain LIMIT ?4");
    const std::string domain = wanted.domain.value_or(""), below = "%." + domain;
    return read_outgoing(select.query(number(std::chrono::floor<std::chrono::days>(wanted.since)), domain,
                                      below, static_cast<std::int64_t>(wanted.limit)));
  });
}

base::Result<ReportStore::Content> ReportStore::content(Day day, const std::string& domain) {
  return guard([&]() -> base::Result<Content> {
    Content out;
    store::Statement policy(*database_, "SELECT policy FROM seen_day WHERE day=?1 AND domain=?2");
    {
      store::Rows rows = policy.query(number(day), domain);
      if (rows.next()) out.published = published_of(rows.bytes(0)).value_or(wire::dmarc_report::Published{});
    }
    out.published.domain = domain;
    store::Statement select(
        *database_, "SELECT row, count FROM seen_row WHERE day=?1 AND domain=?2 ORDER BY count DESC, row");
    store::Rows rows = select.query(number(day), domain);
    while (rows.next()) {
      auto record = record_of(rows.bytes(0));
      if (!record) continue;
      record->count = static_cast<std::uint64_t>(rows.number(1));
      out.records.push_back(std::move(*record));
    }
    return out;
  });
}

base::Result<void> ReportStore::settle(const OutgoingReport& report) {
  return guard([&]() -> base::Result<void> {
    database_->execute("BEGIN IMMEDIATE");
    store::Statement update(*database_,
                            "UPDATE seen_day SET state=?3, attempts=?4, due=?5, note=?6 "
                            "WHERE day=?1 AND domain=?2");
    update.run(number(report.day), report.domain, static_cast<std::int64_t>(report.state),
               static_cast<std::int64_t>(report.attempts), number(report.due), report.note);
    if (report.state != ReportState::open) {
      store::Statement forget(*database_, "DELETE FROM seen_row WHERE day=?1 AND domain=?2");
      forget.run(number(report.day), report.domain);
    }
    database_->execute("COMMIT");
    return {};
  });
}

base::Result<bool> ReportStore::take_failure_place(Day day, const std::string& domain, FailureBounds most) {
  return guard([&]() -> base::Result<bool> {
    database_->execute("BEGIN IMMEDIATE");
    store::Statement count(
        *database_,
        "SELECT coalesce(sum(count), 0), coalesce(sum(CASE WHEN domain=?2 THEN count END), 0) "
        "FROM failure_sent WHERE day=?1");
    bool has_place = false;
    {
      store::Rows rows = count.query(number(day), domain);
      has_place = rows.next() && rows.number(0) < most.of_all && rows.number(1) < most.of_domain;
    }
    if (has_place) {
      store::Statement take(
          *database_, "INSERT INTO failure_sent VALUES(?1, ?2, 1) ON CONFLICT DO UPDATE SET count=count+1");
      take.run(number(day), domain);
    }
    database_->execute("COMMIT");
    return has_place;
  });
}

base::Result<void> ReportStore::forget(base::UtcTime now, base::Milliseconds keep) {
  return guard([&]() -> base::Result<void> {
    const Day today = std::chrono::floor<std::chrono::days>(now);
    database_->execute("BEGIN IMMEDIATE");
    store::Statement rows(*database_, "DELETE FROM seen_row WHERE day<?1");
    rows.run(number(today - kKeepSeen));
    store::Statement given_up(
        *database_, "UPDATE seen_day SET state=3, note='not sent in time' WHERE state=0 AND day<?1");
    given_up.run(number(today - kKeepSeen));
    store::Statement days(*database_, "DELETE FROM seen_day WHERE day<?1 AND state<>0");
    days.run(number(std::chrono::floor<std::chrono::days>(now - keep)));
    store::Statement told(*database_, "DELETE FROM failure_sent WHERE day<?1");
    told.run(number(today));
    store::Statement reports(*database_, "DELETE FROM report WHERE last<?1");
    reports.run(number(now - keep));
    // Ids only grow: what lies between the first and the last bounds how many there are.
    const std::int64_t first_kept =
        database_->number("SELECT coalesce(max(id), 0) FROM record") - kMostRecords;
    store::Statement beyond(*database_,
                            "DELETE FROM report WHERE id IN (SELECT report FROM record WHERE id<=?1)");
    beyond.run(first_kept);
    const std::int64_t first_failure =
        database_->number("SELECT coalesce(max(id), 0) FROM failure") - kMostFailures;
    store::Statement failures(*database_, "DELETE FROM failure WHERE received<?1 OR id<=?2");
    failures.run(number(now - keep), first_failure);
    database_->execute("COMMIT");
    return {};
  });
}

}  // namespace postrider::reports
