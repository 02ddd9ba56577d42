#include "store/spool_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "store/schema.hpp"
#include "sys/log.hpp"

namespace postrider::store {
namespace {

std::string path_of(const SpoolOptions& options) { return (options.directory / "spool.db").string(); }

void recover(Database& database) {
  Tables tables(database);
  tables.begin(Tables::Sync::now);
  const std::uint64_t dropped = tables.drop_all_drafts();
  tables.commit();
  if (dropped > 0) sys::log::info("drafts_dropped", {{"count", dropped}});
}

void count(Database& database, State& state) {
  Statement select(
      database,
      "SELECT count(*), coalesce(sum(other), 0), coalesce(sum(waiting), 0), coalesce(sum(held), 0), "
      "coalesce(sum(untold), 0) FROM (SELECT sum(state NOT IN (1, 2, 3)) AS other, "
      "sum(state = 1) AS waiting, sum(state = 2) AS held, sum(state = 3) AS untold "
      "FROM recipient WHERE state <> 9 GROUP BY message)");
  Rows rows = select.query();
  if (!rows.next()) return;
  state.messages = static_cast<std::uint64_t>(rows.number(0));
  ByState open{};
  for (std::size_t place = 0; place < open.size(); ++place)
    open[place] = rows.number(1 + static_cast<int>(place));
  state.recipients.add(open);
  state.quarantined = static_cast<std::uint64_t>(
      database.number("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'quarantined'"));
}

// As SQLite has them, not as we asked for them.
std::string describe(Database& database) {
  constexpr std::array<std::string_view, 4> kSynchronous = {"OFF", "NORMAL", "FULL", "EXTRA"};
  const auto level = static_cast<std::size_t>(database.number("PRAGMA synchronous"));
  return fmt::format(
      "sqlite={} format={} journal_mode={} synchronous={} page_size={} auto_vacuum={} wal_pages={} "
      "journal_size_limit={}",
      sqlite3_libversion(), database.number("PRAGMA user_version"), database.text("PRAGMA journal_mode"),
      kSynchronous[std::min(level, kSynchronous.size() - 1)], database.number("PRAGMA page_size"),
      database.number("PRAGMA auto_vacuum") == 2 ? "incremental" : "off", Maintenance::kWalPages,
      database.number("PRAGMA journal_size_limit"));
}

}  // namespace

base::Result<std::shared_ptr<SpoolCore>> SpoolCore::open(const SpoolOptions& options, sys::Clock& clock) {
  if (auto made = make_directory(options.directory); !made) return std::unexpected(made.error());
  auto lock = DirectoryLock::take(options.directory);
  if (!lock) return std::unexpected(lock.error());
  const std::string path = path_of(options);
  auto database = std::make_unique<Database>(path, options.vfs, Database::Access::read_write);
  set_writer_pragmas(*database);
  if (auto migrated = migrate(*database, path, schema_steps()); !migrated)
    return std::unexpected(migrated.error());
  recover(*database);
  std::shared_ptr<SpoolCore> core(new SpoolCore(std::move(*lock), clock));
  core->start(options, std::move(database));
  return core;
}

void SpoolCore::start(const SpoolOptions& options, std::unique_ptr<Database> database) {
  directory = options.directory;
  const std::string path = path_of(options);
  count(*database, state);
  description = describe(*database);
  const base::MessageId last{
      database->number("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'id_ceiling'")};
  ids = std::make_unique<Ids>(state.clock, options.node, last);
  space = std::make_unique<Space>(state.clock, options.directory,
                                  Space::Limits{options.min_free_bytes, options.min_free_inodes});
  max_queued_bytes = options.max_queued_bytes;
  readers =
      std::make_unique<ReaderPool>(path, options.vfs, std::clamp<std::size_t>(options.reader_threads, 1, 16));
  auto scanning = std::make_unique<Database>(path, options.vfs, Database::Access::read_only);
  WriterOptions writing;
  writing.maintenance_interval = options.maintenance_interval;
  writing.drafts = &state.drafts;
  writing.on_broken = options.on_broken;
  writer = std::make_unique<Writer>(std::move(database), std::move(writing));
  scanner = std::make_unique<Scanner>(std::move(scanning), state,
                                      [this](BadRecord bad) { report(std::move(bad)); });
}

void SpoolCore::close() {
  scanner->close();
  writer->close();
  readers->close();
  // The last to close moves the WAL into the file, which only the writer may do.
  writer->disconnect();
  lock_.reset();
}

void SpoolCore::post(std::unique_ptr<Job> job) {
  if (!writer->post(job)) job->finish(store_failure("the spool is closed"));
}

base::Result<void> SpoolCore::accepts(std::uint64_t bytes) const {
  if (writer->broken()) return store_failure("the store is broken");
  return space->check(state.draft_bytes + bytes);
}

}  // namespace postrider::store
