#include "store/timeline_schema.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "store/migration.hpp"
#include "store/schema.hpp"

namespace postrider::store {
namespace {

// `more` has what comes in later batches than a message's first; `run` and `block` are the index by address.
constexpr const char* kTables = R"sql(
CREATE TABLE meta(
  key TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE message(
  id INTEGER NOT NULL PRIMARY KEY,
  events BLOB NOT NULL);
CREATE TABLE more(
  message INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  events BLOB NOT NULL,
  PRIMARY KEY(message, seq)) WITHOUT ROWID;
CREATE TABLE run(
  id INTEGER NOT NULL PRIMARY KEY,
  level INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  entries INTEGER NOT NULL);
CREATE TABLE block(
  key INTEGER NOT NULL PRIMARY KEY,
  entries BLOB NOT NULL);
CREATE TABLE loss(
  noticed INTEGER NOT NULL PRIMARY KEY,
  after INTEGER NOT NULL);
INSERT INTO meta(key, value) VALUES('hash_key_1', random());
INSERT INTO meta(key, value) VALUES('hash_key_2', random());
INSERT INTO meta(key, value) VALUES('open', 0);
INSERT INTO meta(key, value) VALUES('last_event', 0);
)sql";

void set_pragmas(Database& database) {
  // auto_vacuum is fixed with the first table.
  use_incremental_vacuum(database);
  if (database.text("PRAGMA journal_mode=WAL") != "wal") throw SqlError("the file system can't hold a WAL");
  // No transaction is synced; only before and after a checkpoint the file is, without which a power cut could damage it
  // as a whole.
  database.execute("PRAGMA synchronous=NORMAL");
  database.execute("PRAGMA wal_autocheckpoint=4000");      // pages: 16 MiB
  database.execute("PRAGMA journal_size_limit=16777216");  // 16 MiB
  database.execute("PRAGMA cache_size=-16384");            // 16 MiB
}

void make_tables(Database& database) {
  database.execute("BEGIN IMMEDIATE");
  database.execute(kTables);
  database.execute(fmt::format("PRAGMA application_id={}", kTimelineApplicationId).c_str());
  database.execute(fmt::format("PRAGMA user_version={}", kTimelineFormat).c_str());
  database.execute("COMMIT");
}

// What every SQLite file begins with.
constexpr std::string_view kMagic("SQLite format 3\0", 16);

// SQLite can read it, and it is not ours.
class NotATimeline : public SqlError {
 public:
  using SqlError::SqlError;
};

}  // namespace

std::filesystem::path timeline_path(const std::filesystem::path& directory) {
  return directory / "timeline.db";
}

base::Result<void> check_timeline_format(Database& database, const std::filesystem::path& path) {
  if (database.number("PRAGMA application_id") != kTimelineApplicationId)
    throw NotATimeline(path.string() + " is not a timeline of postrider");
  const std::int64_t format = database.number("PRAGMA user_version");
  if (format <= kTimelineFormat) return {};
  return base::permanent({5, 3, 5}, "the timeline can't be opened",
                         newer_format(path, format, kTimelineFormat));
}

base::Result<std::unique_ptr<Database>> open_timeline(const std::filesystem::path& path) {
  auto database = std::make_unique<Database>(path.string(), nullptr, Database::Access::read_write);
  const bool empty = database->number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty) {
    if (auto known = check_timeline_format(*database, path); !known) return std::unexpected(known.error());
  }
  set_pragmas(*database);
  if (empty) make_tables(*database);
  return database;
}

std::int64_t timeline_meta(Database& database, std::string_view key) {
  Statement select(database, "SELECT value FROM meta WHERE key = ?1");
  Rows rows = select.query(key);
  if (!rows.next()) throw NotATimeline("the timeline lacks " + std::string(key));
  return rows.number(0);
}

HashKey read_hash_key(Database& database) {
  return {static_cast<std::uint64_t>(timeline_meta(database, "hash_key_1")),
          static_cast<std::uint64_t>(timeline_meta(database, "hash_key_2"))};
}

std::string start_of(const std::filesystem::path& path) {
  std::string start(kMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  return start;
}

std::string start_of(Database& database) {
  sqlite3_file* file = nullptr;
  std::string start(kMagic.size(), '\0');
  if (sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
      file->pMethods != nullptr &&
      file->pMethods->xRead(file, start.data(), static_cast<int>(start.size()), 0) == SQLITE_OK)
    return start;
  return {};
}

bool is_damaged_timeline(std::string_view start, const SqlError& error) {
  if (error.is_damage() || dynamic_cast<const NotATimeline*>(&error) != nullptr) return true;
  return !start.empty() && start != kMagic;
}

bool move_timeline_aside(const std::filesystem::path& path) {
  std::error_code error;
  for (const char* suffix : {"-wal", "-shm"}) {
    const std::filesystem::path file = path.string() + suffix;
    // The WAL belongs to the file: with a new one it would be taken for that one's.
    if (std::filesystem::exists(file, error))
      std::filesystem::rename(file, path.string() + ".damaged" + suffix, error);
    if (error) return false;
  }
  std::filesystem::rename(path, path.string() + ".damaged", error);
  return !error;
}

}  // namespace postrider::store
