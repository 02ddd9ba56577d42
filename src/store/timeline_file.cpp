#include "store/timeline_file.hpp"

#include <algorithm>

#include "store/timeline_codec.hpp"
#include "store/timeline_schema.hpp"

namespace postrider::store {
namespace {

constexpr std::int64_t kPageBytes = 4096;
// What a batch may need beside its bytes: pages that are split, and those of the index.
constexpr std::uint64_t kSlackBytes = 32 * kPageBytes;
// Of the index, while it is merged.
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
      index_(*database_, options.keep / 8),
      begin_(*database_, "BEGIN IMMEDIATE"),
      commit_(*database_, "COMMIT"),
      put_meta_(*database_, "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)"),
      insert_message_(*database_, "INSERT OR IGNORE INTO message(id, events) VALUES(?1, ?2)"),
      insert_more_(*database_,
                   "INSERT INTO more(message, seq, events) VALUES(?1, "
                   "(SELECT coalesce(max(seq), 0) + 1 FROM more WHERE message = ?1), ?2)"),
      page_count_(*database_, "PRAGMA page_count"),
      free_pages_(*database_, "PRAGMA freelist_count"),
      select_nth_(*database_, "SELECT max(id) FROM (SELECT id FROM message ORDER BY id LIMIT ?1)"),
      delete_messages_(*database_, "DELETE FROM message WHERE id <= ?1"),
      delete_more_(*database_, "DELETE FROM more WHERE message <= ?1"),
      select_aged_(*database_,
                   "SELECT id, events FROM message WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3"),
      select_more_(*database_, "SELECT events FROM more WHERE message = ?1"),
      delete_message_(*database_, "DELETE FROM message WHERE id = ?1"),
      delete_more_of_(*database_, "DELETE FROM more WHERE message = ?1"),
      delete_losses_(*database_, "DELETE FROM loss WHERE noticed < ?1") {}

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
  Transaction transaction(*this);
  for (const TimelineRow& row : batch.rows) put_events(row);
  index_.add(batch.entries);
  put_meta_.run(std::string_view("last_event"), count(batch.latest));
  transaction.commit();
}

void TimelineFile::put_events(const TimelineRow& row) {
  insert_message_.run(row.message.value, Blob{row.events});
  if (insert_message_.changes() == 0) insert_more_.run(row.message.value, Blob{row.events});
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
  index_.drop_before(last + 1);
  transaction.commit();
  return true;
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
    index_.drop_before(first_id(limit));
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
