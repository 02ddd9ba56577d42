#include "store/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "store/files.hpp"
#include "store/migration.hpp"

namespace postrider::store {
namespace {

// Bodies stand last in their row, so that reading an envelope does not walk over them.
constexpr const char* kFormat1 = R"sql(
CREATE TABLE meta(
  key TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE message(
  id INTEGER NOT NULL PRIMARY KEY,
  size INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  envelope BLOB NOT NULL,
  edits BLOB NOT NULL,
  body BLOB);
CREATE TABLE chunk(
  message INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY(message, seq)) WITHOUT ROWID;
CREATE TABLE draft(
  id INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE recipient(
  message INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER NOT NULL,
  domain TEXT NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY(message, idx)) WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient(due, message, idx) WHERE state = 1;
CREATE TABLE quarantine(
  id INTEGER NOT NULL PRIMARY KEY,
  taken_at INTEGER NOT NULL,
  what TEXT NOT NULL,
  message INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  why TEXT NOT NULL,
  data BLOB);
)sql";

// The index of those that wait has each destination's rows in the order in which claims take them. `state` stands last
// in both only so that they hold all that is asked: SQLite 3.40 looks into the table for it otherwise, at five times
// the cost.
constexpr const char* kFormat2 = R"sql(
DROP INDEX recipient_due;
CREATE INDEX recipient_waiting ON recipient(domain, due, message, idx, state) WHERE state = 1;
CREATE INDEX recipient_untold ON recipient(message, idx, state) WHERE state = 3;
CREATE TABLE suspension(
  id INTEGER NOT NULL PRIMARY KEY,
  what INTEGER NOT NULL,
  pattern TEXT NOT NULL,
  ends INTEGER,
  reason TEXT NOT NULL,
  made INTEGER NOT NULL);
)sql";

constexpr std::array<const char*, 2> kSteps = {kFormat1, kFormat2};

// A copy of the whole file, complete and synced before it bears its name.
void copy_before_migration(Database& database, const std::filesystem::path& path, std::int64_t format) {
  const std::filesystem::path copy = path.string() + fmt::format(".format-{}", format);
  const std::filesystem::path partial = copy.string() + ".partial";
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  Statement vacuum(database, "VACUUM INTO ?1");
  vacuum.run(std::string_view(partial.native()));
  if (!sync_path(partial)) throw SqlError("syncing " + partial.string());
  std::filesystem::rename(partial, copy, ignored);
  if (ignored || !sync_path(path.parent_path())) throw SqlError("renaming " + partial.string());
}

}  // namespace

std::span<const char* const> schema_steps() { return kSteps; }

void use_incremental_vacuum(Database& database) {
  constexpr int kIncremental = 2;
  if (database.number("PRAGMA auto_vacuum") != kIncremental)
    database.execute("PRAGMA auto_vacuum=INCREMENTAL");
}

void set_writer_pragmas(Database& database) {
  // page_size and auto_vacuum are fixed with the first table; for an older file these two change nothing.
  database.execute("PRAGMA page_size=4096");
  use_incremental_vacuum(database);
  if (database.text("PRAGMA journal_mode=WAL") != "wal") throw SqlError("the file system can't hold a WAL");
  database.execute("PRAGMA synchronous=FULL");
  // We run checkpoints ourselves: an automatic one would keep a failed sync to itself.
  database.execute("PRAGMA wal_autocheckpoint=0");
  database.execute("PRAGMA journal_size_limit=67108864");  // 64 MiB
  database.execute("PRAGMA cache_size=-8192");             // 8 MiB
}

base::Result<void> migrate(Database& database, const std::filesystem::path& path,
                           std::span<const char* const> steps) {
  const std::int64_t application = database.number("PRAGMA application_id");
  const std::int64_t format = database.number("PRAGMA user_version");
  const std::int64_t current = static_cast<std::int64_t>(steps.size());
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && application != kApplicationId)
    return base::permanent({5, 3, 5}, "the mail store can't be opened",
                           fmt::format("{} is not a spool of postrider", path.string()));
  if (format > current)
    return base::permanent({5, 3, 5}, "the mail store can't be opened", newer_format(path, format, current));
  if (format < current && !empty) copy_before_migration(database, path, format);
  for (std::int64_t step = format; step < current; ++step) {
    database.execute("BEGIN IMMEDIATE");
    database.execute(steps[step]);
    database.execute(fmt::format("PRAGMA application_id={}", kApplicationId).c_str());
    database.execute(fmt::format("PRAGMA user_version={}", step + 1).c_str());
    database.execute("COMMIT");
  }
  return {};
}

}  // namespace postrider::store
