#include "store/timeline_file.hpp"

#include <algorithm>

#include "store/timeline_codec.hpp"
#include "store/timeline_schema.hpp"

namespace postrider::store {
namespace {

constexpr std::int64_t kPageBytes = 4096;
// What a batch may need beside its bytes: pages that are split, and those of the index.
constexpr std::uint64_t kSlackBytes = 32 * kPageBytes;
// The newest part of the index; small enough to lie in the cache.
constexpr std::int64_t kMaxEntries = 100'000;
// Where the whole file is small, a period may take an eighth of it.
constexpr std::uint64_t kEntryBytes = 30;

std::int64_t count(base::UtcTime time) { return time.time_since_epoch().count(); }
std::int64_t first_id(base::UtcTime time) { return base::MessageId::first(time, 0).value; }

}  // namespace

class TimelineFile::Transaction {
 public:
  explicit Transaction(TimelineFile& file) : file_(file) { file.begin_.run(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    sqlite3* const handle = file_.database_->handle();
    if (file_.database_->in_transaction()) sqlite3_exec(handle, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void commit() { file_.commit_.run(); }

 private:
  TimelineFile& file_;
};

TimelineFile::TimelineFile(std::unique_ptr<Database> database, const TimelineOptions& options)
    : database_(std::move(database)),
      keep_(options.keep),
      max_bytes_(options.max_bytes),
      max_entries_(std::clamp<std::int64_t>(options.max_bytes / 8 / kEntryBytes, 100, kMaxEntries)),
      begin_(*database_, "BEGIN IMMEDIATE"),
      commit_(*database_, "COMMIT"),
      put_meta_(*database_, "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)"),
      insert_message_(*database_, "INSERT OR IGNORE INTO message(id, events) VALUES(?1, ?2)"),
      insert_more_(*database_,
                   "INSERT INTO more(message, seq, events) VALUES(?1, "
                   "(SELECT coalesce(max(seq), 0) + 1 FROM more WHERE message = ?1), ?2)"),
      insert_address_(*database_, "INSERT OR IGNORE INTO address(period, hash, message) VALUES(?1, ?2, ?3)"),
      put_period_(*database_,
                  "INSERT OR REPLACE INTO period(id, first, last, entries) VALUES(?1, ?2, ?3, ?4)"),
      page_count_(*database_, "PRAGMA page_count"),
      free_pages_(*database_, "PRAGMA freelist_count"),
      select_nth_(*database_, "SELECT max(id) FROM (SELECT id FROM message ORDER BY id LIMIT ?1)"),
      delete_messages_(*database_, "DELETE FROM message WHERE id <= ?1"),
      delete_more_(*database_, "DELETE FROM more WHERE message <= ?1"),
      select_periods_(
          *database_,
          "SELECT id FROM period WHERE last < ?1 AND NOT EXISTS "
          "(SELECT 1 FROM message WHERE message.id BETWEEN period.first AND period.last) LIMIT 1"),
      delete_addresses_(*database_, "DELETE FROM address WHERE period = ?1"),
      delete_period_(*database_, "DELETE FROM period WHERE id = ?1"),
      select_aged_(*database_,
                   "SELECT id, events FROM message WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3"),
      select_more_(*database_, "SELECT events FROM more WHERE message = ?1"),
      delete_message_(*database_, "DELETE FROM message WHERE id = ?1"),
      delete_more_of_(*database_, "DELETE FROM more WHERE message = ?1"),
      delete_losses_(*database_, "DELETE FROM loss WHERE noticed < ?1") {
  Statement newest(*database_, "SELECT id, first, last, entries FROM period ORDER BY id DESC LIMIT 1");
  Rows rows = newest.query();
  if (rows.next()) period_ = {rows.number(0), rows.number(1), rows.number(2), rows.number(3)};
}

void TimelineFile::begin(base::UtcTime now) {
  Transaction transaction(*this);
  if (timeline_meta(*database_, "open") != 0) {
    Statement insert(*database_, "INSERT OR REPLACE INTO loss(noticed, after) VALUES(?1, ?2)");
    insert.run(count(now), timeline_meta(*database_, "last_event"));
  }
  put_meta_.run(std::string_view("open"), std::int64_t{1});
  transaction.commit();
}

void TimelineFile::end() {
  put_meta_.run(std::string_view("open"), std::int64_t{0});
  database_->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

void TimelineFile::write(const TimelineBatch& batch) {
  make_room(batch.bytes + batch.entries.size() * kEntryBytes);
  const Period before = period_;
  try {
    Transaction transaction(*this);
    for (const TimelineRow& row : batch.rows) put_events(row);
    put_entries(batch.entries);
    put_meta_.run(std::string_view("last_event"), count(batch.latest));
    transaction.commit();
  } catch (const SqlError&) {
    period_ = before;
    throw;
  }
}

void TimelineFile::put_events(const TimelineRow& row) {
  insert_message_.run(row.message.value, Blob{row.events});
  if (insert_message_.changes() == 0) insert_more_.run(row.message.value, Blob{row.events});
}

void TimelineFile::put_entries(std::span<const TimelineEntry> entries) {
  if (entries.empty()) return;
  const auto [lowest, highest] = std::ranges::minmax_element(entries, {}, &TimelineEntry::message);
  // An eighth of what is kept, so that the index does not keep what is long gone.
  const base::Milliseconds span = highest->message.time() - base::MessageId{period_.first}.time();
  if (period_.id == 0 || period_.entries >= max_entries_ || span > keep_ / 8)
    period_ = {.id = period_.id + 1};
  for (const TimelineEntry& entry : entries) insert_address_.run(period_.id, entry.hash, entry.message.value);
  period_.first = period_.first == 0 ? lowest->message.value : std::min(period_.first, lowest->message.value);
  period_.last = std::max(period_.last, highest->message.value);
  period_.entries += static_cast<std::int64_t>(entries.size());
  put_period_.run(period_.id, period_.first, period_.last, period_.entries);
}

std::uint64_t TimelineFile::used_bytes() {
  std::int64_t pages = 0;
  if (Rows rows = page_count_.query(); rows.next()) pages = rows.number(0);
  if (Rows rows = free_pages_.query(); rows.next()) pages -= rows.number(0);
  return static_cast<std::uint64_t>(pages * kPageBytes);
}

void TimelineFile::make_room(std::uint64_t bytes) {
  const std::uint64_t needed = bytes + bytes / 2 + kSlackBytes;
  while (used_bytes() + needed > max_bytes_ && delete_oldest()) continue;
}

bool TimelineFile::delete_oldest() {
  constexpr std::int64_t kAtOnce = 500;
  std::int64_t last = 0;
  if (Rows rows = select_nth_.query(kAtOnce); rows.next()) last = rows.number(0);
  if (last == 0) return false;
  Transaction transaction(*this);
  delete_messages_.run(last);
  delete_more_.run(last);
  drop_periods(last + 1);
  transaction.commit();
  return true;
}

void TimelineFile::drop_periods(std::int64_t before) {
  while (true) {
    std::int64_t id = 0;
    if (Rows rows = select_periods_.query(before); rows.next()) id = rows.number(0);
    if (id == 0) return;
    delete_addresses_.run(id);
    delete_period_.run(id);
    // The next one must not get the number of one that a reader may be looking at.
    if (id == period_.id) period_ = {.id = id + 1};
  }
}

bool TimelineFile::expired(base::MessageId id, std::string_view events, base::UtcTime limit) {
  TimelineAge age;
  // What can't be read has no age but its id's.
  if (!add_age(id, events, age)) return true;
  for (Rows rows = select_more_.query(id.value); rows.next();) {
    if (!add_age(id, rows.bytes(0), age)) return true;
  }
  return age.counts_from() < limit;
}

bool TimelineFile::sweep(base::UtcTime now) {
  constexpr std::int64_t kAtOnce = 5000;
  const base::UtcTime limit = now - keep_;
  std::int64_t seen = 0;
  Transaction transaction(*this);
  std::vector<std::int64_t> old;
  for (Rows rows = select_aged_.query(swept_, first_id(limit), kAtOnce); rows.next(); ++seen) {
    swept_ = rows.number(0);
    if (expired({swept_}, rows.bytes(1), limit)) old.push_back(swept_);
  }
  for (const std::int64_t id : old) {
    delete_message_.run(id);
    delete_more_of_.run(id);
  }
  if (seen < kAtOnce) {
    swept_ = 0;
    drop_periods(first_id(limit));
    delete_losses_.run(count(limit));
  }
  transaction.commit();
  shrink();
  return seen == kAtOnce;
}

void TimelineFile::shrink() {
  // 4 MiB at a time. Free pages up to a quarter of the file are kept for what comes next.
  constexpr const char* kGiveBack = "PRAGMA incremental_vacuum(1024)";
  const auto pages = static_cast<std::uint64_t>(database_->number("PRAGMA page_count"));
  const auto free_pages = static_cast<std::uint64_t>(database_->number("PRAGMA freelist_count"));
  if (pages * kPageBytes > max_bytes_ || free_pages > pages / 4 + 1024) database_->execute(kGiveBack);
}

}  // namespace postrider::store
