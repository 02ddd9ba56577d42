#include "store/tables.hpp"

#include <algorithm>
#include <vector>

#include "store/schema.hpp"
#include "store/spool.hpp"

namespace postrider::store {
namespace {

// Ids are reserved for a second ahead: one more page a second is written for it, and a restart's ids are at
// most so much ahead of the clock.
constexpr base::Milliseconds kReserve{1000};

std::int64_t count(base::UtcTime time) { return time.time_since_epoch().count(); }

}  // namespace

Tables::Tables(Database& database)
    : database_(database),
      ceiling_{database.number("SELECT value FROM meta WHERE key = 'id_ceiling'")},
      uncommitted_ceiling_(ceiling_),
      begin_(database, "BEGIN IMMEDIATE"),
      commit_(database, "COMMIT"),
      put_meta_(database,
                "INSERT INTO meta(key, value) VALUES(?1, ?2) "
                "ON CONFLICT(key) DO UPDATE SET value = excluded.value"),
      insert_draft_(database, "INSERT INTO draft(id) VALUES(?1)"),
      delete_draft_(database, "DELETE FROM draft WHERE id = ?1"),
      insert_chunk_(database, "INSERT INTO chunk(message, seq, data) VALUES(?1, ?2, ?3)"),
      sum_chunks_(database,
                  "SELECT count(*), coalesce(max(seq), -1), coalesce(sum(length(data)), 0) "
                  "FROM chunk WHERE message = ?1"),
      delete_chunks_(database, "DELETE FROM chunk WHERE message = ?1"),
      insert_message_(database,
                      "INSERT INTO message(id, size, chunks, envelope, edits, body) "
                      "VALUES(?1, ?2, ?3, ?4, ?5, ?6)"),
      delete_message_(database,
                      "DELETE FROM message WHERE id = ?1 AND NOT EXISTS "
                      "(SELECT 1 FROM recipient WHERE message = ?1) RETURNING chunks"),
      insert_recipient_(database,
                        "INSERT INTO recipient(message, idx, state, due, domain, record) "
                        "VALUES(?1, ?2, ?3, ?4, ?5, ?6)"),
      select_recipient_(database,
                        "SELECT state, due, domain, record FROM recipient "
                        "WHERE message = ?1 AND idx = ?2 AND state <> 9"),
      update_recipient_(database,
                        "UPDATE recipient SET state = ?3, due = ?4, record = ?5 "
                        "WHERE message = ?1 AND idx = ?2"),
      update_record_(database, "UPDATE recipient SET record = ?3 WHERE message = ?1 AND idx = ?2"),
      delete_recipient_(database,
                        "DELETE FROM recipient WHERE message = ?1 AND idx = ?2 AND state <> 9 "
                        "RETURNING state"),
      delete_untold_(database, "DELETE FROM recipient WHERE message = ?1 AND idx = ?2 AND state = 3"),
      select_open_(database, "SELECT 1 FROM recipient WHERE message = ?1 AND state <> 9 LIMIT 1"),
      number_suspension_(database,
                         "INSERT INTO meta(key, value) VALUES('suspension', 1) "
                         "ON CONFLICT(key) DO UPDATE SET value = meta.value + 1 RETURNING value"),
      count_suspensions_(database, "SELECT count(*) FROM suspension"),
      insert_suspension_(database,
                         "INSERT INTO suspension(id, what, pattern, ends, reason, made) "
                         "VALUES(?1, ?2, ?3, ?4, ?5, ?6)"),
      delete_suspension_(database, "DELETE FROM suspension WHERE id = ?1") {
  static_assert(kQuarantined == 9);
}

void Tables::begin(Sync sync) {
  if (sync != sync_) {
    database_.execute(sync == Sync::now ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    sync_ = sync;
  }
  begin_.run();
}

void Tables::commit() {
  commit_.run();
  ceiling_ = uncommitted_ceiling_;
}

void Tables::roll_back() noexcept {
  uncommitted_ceiling_ = ceiling_;
  // A full disk and some others have rolled back already.
  if (database_.in_transaction()) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Tables::reserve_id(base::MessageId id) {
  if (id <= uncommitted_ceiling_) return;
  const std::int64_t ahead = kReserve.count()
                             << (base::MessageId::kNodeBits + base::MessageId::kSequenceBits);
  const base::MessageId ceiling{id.value + ahead};
  put_meta_.run(std::string_view("id_ceiling"), ceiling.value);
  uncommitted_ceiling_ = ceiling;
}

void Tables::insert_draft(base::MessageId id) { insert_draft_.run(id.value); }

void Tables::insert_chunks(base::MessageId id, std::uint32_t seq, std::string_view data) {
  for (std::int64_t next = seq; !data.empty(); ++next) {
    const std::string_view piece = data.substr(0, Draft::kChunkBytes);
    insert_chunk_.run(id.value, next, Blob{piece});
    data.remove_prefix(piece.size());
  }
}

void Tables::check_chunks(base::MessageId id, std::uint32_t chunks, std::uint64_t size) {
  Rows rows = sum_chunks_.query(id.value);
  const bool complete = rows.next() && rows.number(0) == std::int64_t{chunks} &&
                        rows.number(1) == std::int64_t{chunks} - 1 &&
                        static_cast<std::uint64_t>(rows.number(2)) == size;
  if (!complete) throw SqlError("the draft " + id.to_string() + " lacks a chunk");
}

void Tables::drop_draft(base::MessageId id) {
  delete_chunks_.run(id.value);
  delete_draft_.run(id.value);
}

void Tables::finish_draft(base::MessageId id) { delete_draft_.run(id.value); }

std::uint64_t Tables::drop_all_drafts() {
  std::vector<base::MessageId> drafts;
  Statement select(database_, "SELECT id FROM draft");
  for (Rows rows = select.query(); rows.next();) drafts.push_back({rows.number(0)});
  for (const base::MessageId id : drafts) drop_draft(id);
  return drafts.size();
}

void Tables::insert_message(const MessageRow& row) {
  insert_message_.run(row.id.value, static_cast<std::int64_t>(row.size), std::int64_t{row.chunks},
                      Blob{row.envelope}, Blob{row.edits}, Blob{row.body});
}

void Tables::insert_recipient(const RecipientRow& row) {
  insert_recipient_.run(row.id.message.value, std::int64_t{row.id.index}, row.state, count(row.due),
                        std::string_view(row.domain), Blob{row.record});
}

std::optional<RecipientRow> Tables::recipient(RecipientId id) {
  Rows rows = select_recipient_.query(id.message.value, std::int64_t{id.index});
  if (!rows.next()) return {};
  return RecipientRow{.id = id,
                      .state = rows.number(0),
                      .due = base::UtcTime(base::Milliseconds(rows.number(1))),
                      .domain = std::string(rows.bytes(2)),
                      .record = std::string(rows.bytes(3))};
}

void Tables::update_recipient(const RecipientRow& row) {
  update_recipient_.run(row.id.message.value, std::int64_t{row.id.index}, row.state, count(row.due),
                        Blob{row.record});
}

void Tables::update_record(RecipientId id, std::string_view record) {
  update_record_.run(id.message.value, std::int64_t{id.index}, Blob{record});
}

std::optional<std::int64_t> Tables::delete_recipient(RecipientId id) {
  Rows rows = delete_recipient_.query(id.message.value, std::int64_t{id.index});
  if (!rows.next()) return {};
  const std::int64_t state = rows.number(0);
  rows.next();
  return state;
}

bool Tables::delete_untold(RecipientId id) {
  delete_untold_.run(id.message.value, std::int64_t{id.index});
  return delete_untold_.changes() > 0;
}

std::uint64_t Tables::delete_finished(std::vector<base::MessageId> ids) {
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  std::uint64_t finished = 0;
  for (const base::MessageId id : ids) finished += delete_if_finished(id);
  return finished;
}

bool Tables::delete_if_finished(base::MessageId id) {
  std::int64_t chunks = 0;
  {
    Rows rows = delete_message_.query(id.value);
    if (!rows.next()) return !select_open_.query(id.value).next();
    chunks = rows.number(0);
    rows.next();
  }
  if (chunks > 0) delete_chunks_.run(id.value);
  return true;
}

std::uint64_t Tables::insert_suspension(const Suspension& suspension) {
  {
    Rows rows = count_suspensions_.query();
    if (rows.next() && rows.number(0) >= kMaxSuspensions) throw SqlError("there are too many suspensions");
  }
  Rows rows = number_suspension_.query();
  if (!rows.next()) throw SqlError("a suspension got no number");
  const std::int64_t id = rows.number(0);
  rows.next();
  std::optional<std::int64_t> ends;
  if (suspension.until) ends = count(*suspension.until);
  insert_suspension_.run(id, static_cast<std::int64_t>(suspension.what), std::string_view(suspension.pattern),
                         ends, std::string_view(suspension.reason), count(suspension.made));
  return static_cast<std::uint64_t>(id);
}

void Tables::delete_suspension(std::uint64_t id) { delete_suspension_.run(static_cast<std::int64_t>(id)); }

}  // namespace postrider::store
