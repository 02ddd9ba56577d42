#include "store/restore.hpp"

#include <fmt/format.h>

#include <functional>
#include <system_error>

#include "store/files.hpp"
#include "store/job.hpp"
#include "store/schema.hpp"
#include "store/timeline_schema.hpp"
#include "sys/clock.hpp"

namespace postrider::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<base::Failure> refused(std::string log) {
  return base::permanent({5, 3, 5}, "it can't be restored", std::move(log));
}

// A copy of the copy, in the folder where it will be; gone again unless it is put in place.
class Candidate {
 public:
  explicit Candidate(const fs::path& target) : target_(target), path_(target.string() + ".restored") {}
  Candidate(const Candidate&) = delete;
  Candidate& operator=(const Candidate&) = delete;
  ~Candidate() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  base::Result<void> take(const fs::path& copy) {
    std::error_code error;
    if (!fs::exists(copy, error)) return refused("there is no " + copy.string());
    fs::copy_file(copy, path_, fs::copy_options::overwrite_existing, error);
    if (error) return store_failure("copying " + copy.string() + ": " + error.message());
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write, error);
    return {};
  }
  base::Result<void> put_in_place() {
    std::error_code error;
    if (!sync_path(path_)) return store_failure("syncing " + path_.string());
    fs::rename(path_, target_, error);
    if (error || !sync_path(target_.parent_path())) return store_failure("renaming " + path_.string());
    return {};
  }
  const fs::path& path() const { return path_; }

 private:
  const fs::path target_;
  const fs::path path_;
};

base::Result<void> check_whole(Database& database, const fs::path& copy) {
  const std::string found = database.text("PRAGMA integrity_check(1)");
  if (found == "ok") return {};
  return refused(copy.string() + " is damaged: " + found);
}

base::Result<void> check_spool_format(Database& database, const fs::path& copy) {
  const auto known = static_cast<std::int64_t>(schema_steps().size());
  const std::int64_t format = database.number("PRAGMA user_version");
  if (database.number("PRAGMA application_id") != kApplicationId)
    return refused(copy.string() + " is not a spool of postrider");
  if (format <= known) return {};
  return refused(
      fmt::format("{} has format {}, and this postrider knows formats up to {}: it was written by a newer "
                  "one, so install that",
                  copy.string(), format, known));
}

// What the spool that is there would lose: no mail, but its ids must not come again.
base::Result<std::int64_t> id_ceiling_of(const fs::path& directory) {
  const fs::path path = spool_path(directory);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return 0;
  Database database(path.string(), nullptr, Database::Access::read_write);
  if (database.number("SELECT count(*) FROM sqlite_schema") == 0) return 0;
  if (database.number("SELECT count(*) FROM message") > 0)
    return refused(path.string() + " has mail in it: move the folder away first");
  // So that no WAL is left, which would be taken for that of the file that comes in its place.
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  database.text("PRAGMA journal_mode=DELETE");
  return database.number("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'id_ceiling'");
}

base::Result<void> prepare_spool(const fs::path& path, const fs::path& copy, std::int64_t ceiling,
                                 Waiting waiting) {
  Database database(path.string(), nullptr, Database::Access::read_write);
  if (auto whole = check_whole(database, copy); !whole) return whole;
  if (auto known = check_spool_format(database, copy); !known) return known;
  database.execute("BEGIN IMMEDIATE");
  Statement raise(database, "UPDATE meta SET value = max(value, ?1) WHERE key = 'id_ceiling'");
  raise.run(ceiling);
  if (waiting == Waiting::is_held) {
    Statement hold(database, "UPDATE recipient SET state = 2 WHERE state = 1");
    hold.run();
  }
  database.execute("COMMIT");
  return {};
}

template <class T>
base::Result<T> caught(const std::function<base::Result<T>()>& function) {
  try {
    return function();
  } catch (const SqlError& error) {
    return refused(error.what());
  }
}

}  // namespace

base::Result<SpoolCounts> restore_spool(const fs::path& copy, const fs::path& directory, Waiting waiting) {
  if (auto made = make_directory(directory); !made) return std::unexpected(made.error());
  const auto lock = DirectoryLock::take(directory);
  if (!lock) return std::unexpected(lock.error());
  return caught<SpoolCounts>([&]() -> base::Result<SpoolCounts> {
    const auto ceiling = id_ceiling_of(directory);
    if (!ceiling) return std::unexpected(ceiling.error());
    Candidate candidate(spool_path(directory));
    if (auto taken = candidate.take(copy); !taken) return std::unexpected(taken.error());
    if (auto ready = prepare_spool(candidate.path(), copy, *ceiling, waiting); !ready)
      return std::unexpected(ready.error());
    if (auto put = candidate.put_in_place(); !put) return std::unexpected(put.error());
    auto file = SpoolFile::open(directory, sys::system_clock());
    if (!file) return std::unexpected(file.error());
    return (*file)->count();
  });
}

base::Result<bool> restore_timeline(const fs::path& copy, const fs::path& directory) {
  if (auto made = make_directory(directory); !made) return std::unexpected(made.error());
  const fs::path path = timeline_path(directory);
  std::error_code ignored;
  if (fs::exists(path, ignored)) return false;
  return caught<bool>([&]() -> base::Result<bool> {
    Candidate candidate(path);
    if (auto taken = candidate.take(copy); !taken) return std::unexpected(taken.error());
    {
      Database database(candidate.path().string(), nullptr, Database::Access::read_only);
      if (auto whole = check_whole(database, copy); !whole) return std::unexpected(whole.error());
      if (auto known = check_timeline_format(database, copy); !known) return std::unexpected(known.error());
    }
    if (auto put = candidate.put_in_place(); !put) return std::unexpected(put.error());
    return true;
  });
}

}  // namespace postrider::store
