#include "store/restore.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <system_error>
#include <utility>

#include "store/files.hpp"
#include "store/job.hpp"
#include "store/migration.hpp"
#include "store/schema.hpp"
#include "store/timeline_schema.hpp"
#include "sys/clock.hpp"

namespace postrider::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<base::Failure> refused(std::string log) {
  return base::permanent({5, 3, 5}, "it can't be restored", std::move(log));
}

constexpr const char* kSuffixes[] = {"-journal", "-wal", "-shm"};

// Of a database that is gone, or empty, or was closed. SQLite would apply it to whatever has the name now. Never deleted: it
// may be all that is left of somebody's mail.
base::Result<std::vector<fs::path>> set_leftovers_aside(const fs::path& database) {
  std::vector<fs::path> aside;
  for (const char* suffix : kSuffixes) {
    const fs::path file = database.string() + suffix;
    std::error_code error;
    if (!fs::exists(fs::symlink_status(file, error))) continue;
    fs::path to = file.string() + ".left-over";
    for (int number = 2; fs::exists(fs::symlink_status(to, error)); ++number)
      to = file.string() + ".left-over." + std::to_string(number);
    fs::rename(file, to, error);
    if (error) return store_failure("renaming " + file.string() + ": " + error.message());
    aside.push_back(std::move(to));
  }
  return aside;
}

// A copy of the copy, in the folder where it will be; gone again unless it is put in place.
class Candidate {
 public:
  explicit Candidate(const fs::path& target) : target_(target), path_(target.string() + ".restored") {}
  Candidate(const Candidate&) = delete;
  Candidate& operator=(const Candidate&) = delete;
  ~Candidate() { remove(); }

  base::Result<void> take(const OpenCopy& copy) {
    remove();
    const int descriptor =
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) return store_failure("making " + path_.string() + ": " + std::strerror(errno));
    const bool written = write_all(copy.descriptor(), descriptor);
    const int number = errno;
    ::close(descriptor);
    if (!written) return store_failure("copying " + copy.path().string() + ": " + std::strerror(number));
    return {};
  }
  // Gives what had to go out of its way.
  base::Result<std::vector<fs::path>> put_in_place() {
    std::error_code error;
    if (!sync_path(path_)) return store_failure("syncing " + path_.string());
    auto aside = set_leftovers_aside(target_);
    if (!aside) return aside;
    fs::rename(path_, target_, error);
    if (error || !sync_path(target_.parent_path())) return store_failure("renaming " + path_.string());
    return aside;
  }
  const fs::path& path() const { return path_; }

 private:
  // With what SQLite would take for a part of it, left by one that was killed.
  void remove() {
    std::error_code ignored;
    fs::remove(path_, ignored);
    for (const char* suffix : kSuffixes) fs::remove(path_.string() + suffix, ignored);
  }
  static bool write_all(int from, int to) {
    constexpr std::size_t kAtOnce = 16u << 20;
    ::off_t at = 0;
    ssize_t copied = 0;
    while ((copied = ::sendfile(to, from, &at, kAtOnce)) > 0) continue;
    return copied == 0;
  }
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
  return refused(newer_format(copy, format, known));
}

// What the spool that is there would lose: no mail, but its ids must not come again.
base::Result<std::int64_t> id_ceiling_of(const fs::path& directory) {
  const fs::path path = spool_path(directory);
  std::error_code error;
  // An empty file is not opened: SQLite would delete a WAL that lies beside it.
  const auto size = fs::file_size(path, error);
  if (error && error != std::errc::no_such_file_or_directory)
    return refused("looking at " + path.string() + ": " + error.message());
  if (error || size == 0) return 0;
  Database database(path.string(), nullptr, Database::Access::read_write);
  if (database.number("SELECT count(*) FROM sqlite_schema") == 0) return 0;
  if (database.number("SELECT count(*) FROM message") > 0)
    return refused(path.string() + " has mail in it: move the folder away first");
  // So that no WAL is left, which would be taken for that of the file that comes in its place.
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  if (database.text("PRAGMA journal_mode=DELETE") != "delete")
    return refused("somebody has " + path.string() + " open");
  return database.number("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'id_ceiling'");
}

base::Result<void> check_counts(Database& database, const fs::path& file, const SpoolCounts& expected) {
  const SpoolCounts found = count_spool(database);
  if (found == expected) return {};
  return refused(fmt::format("{} has {} messages with {} recipients, and the backup {} with {}",
                             file.string(), found.messages, found.recipients, expected.messages,
                             expected.recipients));
}

base::Result<std::uint64_t> prepare_spool(const fs::path& path, const fs::path& copy, std::int64_t ceiling,
                                          const Wish& wish) {
  Database database(path.string(), nullptr, Database::Access::read_write);
  if (auto whole = check_whole(database, copy); !whole) return std::unexpected(whole.error());
  if (auto known = check_spool_format(database, copy); !known) return std::unexpected(known.error());
  if (auto same = check_counts(database, copy, wish.counts); !same) return std::unexpected(same.error());
  database.execute("BEGIN IMMEDIATE");
  Statement raise(database, "UPDATE meta SET value = max(value, ?1) WHERE key = 'id_ceiling'");
  raise.run(ceiling);
  const std::int64_t untold = database.number("SELECT count(*) FROM recipient WHERE state = 3");
  if (wish.waiting == Waiting::is_held)
    database.execute("UPDATE recipient SET state = 2 WHERE state IN (1, 3)");
  database.execute("COMMIT");
  return static_cast<std::uint64_t>(untold);
}

// What a refused restore has made goes again.
class MadeDirectory {
 public:
  explicit MadeDirectory(const fs::path& path) : path_(path) {
    std::error_code error;
    made_ = !fs::exists(fs::symlink_status(path, error));
  }
  MadeDirectory(const MadeDirectory&) = delete;
  MadeDirectory& operator=(const MadeDirectory&) = delete;
  ~MadeDirectory() {
    std::error_code ignored;
    if (!made_) return;
    fs::remove(path_ / "lock", ignored);
    fs::remove(path_, ignored);
  }
  void keep() { made_ = false; }

 private:
  const fs::path path_;
  bool made_ = false;
};

template <class T>
base::Result<T> caught(const std::function<base::Result<T>()>& function) {
  try {
    return function();
  } catch (const SqlError& error) {
    return refused(error.what());
  }
}

}  // namespace

base::Result<OpenCopy> OpenCopy::open(const fs::path& path) {
  // Without O_NONBLOCK a pipe in its place would be waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return refused("there is no " + path.string());
  if (descriptor < 0) return refused("opening " + path.string() + ": " + std::strerror(errno));
  OpenCopy copy(path, descriptor);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return refused(path.string() + " is no file");
  return copy;
}

OpenCopy::OpenCopy(OpenCopy&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

OpenCopy::~OpenCopy() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<Restored> restore_spool(const OpenCopy& copy, const fs::path& directory, const Wish& wish) {
  MadeDirectory made_here(directory);
  if (auto made = make_directory(directory); !made) return std::unexpected(made.error());
  // The lock's file is made where it is missing, at a link's other end too.
  const fs::path lock_path = directory / "lock";
  if (std::error_code error; fs::is_symlink(lock_path, error))
    return refused(lock_path.string() + " is a link: remove it first");
  const auto lock = DirectoryLock::take(directory);
  if (!lock) return std::unexpected(lock.error());
  return caught<Restored>([&]() -> base::Result<Restored> {
    const auto ceiling = id_ceiling_of(directory);
    if (!ceiling) return std::unexpected(ceiling.error());
    const fs::path target = spool_path(directory);
    Candidate candidate(target);
    if (auto taken = candidate.take(copy); !taken) return std::unexpected(taken.error());
    const auto untold = prepare_spool(candidate.path(), copy.path(), *ceiling, wish);
    if (!untold) return std::unexpected(untold.error());
    auto aside = candidate.put_in_place();
    if (!aside) return std::unexpected(aside.error());
    made_here.keep();
    Database in_place(target.string(), nullptr, Database::Access::read_only);
    if (auto same = check_counts(in_place, target, wish.counts); !same)
      return refused("the copy is in place, and is not what it was: " + same.error().log_text());
    return Restored{.untold = *untold, .set_aside = std::move(*aside)};
  });
}

base::Result<std::optional<Restored>> restore_database(const OpenCopy& copy, const fs::path& path,
                                                       const CheckCopy& check) {
  MadeDirectory made_here(path.parent_path());
  if (auto made = make_directory(path.parent_path()); !made) return std::unexpected(made.error());
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(path, ignored))) return std::nullopt;
  return caught<std::optional<Restored>>([&]() -> base::Result<std::optional<Restored>> {
    Candidate candidate(path);
    if (auto taken = candidate.take(copy); !taken) return std::unexpected(taken.error());
    {
      Database database(candidate.path().string(), nullptr, Database::Access::read_only);
      if (auto whole = check_whole(database, copy.path()); !whole) return std::unexpected(whole.error());
      if (auto known = check(database, copy.path()); !known) return std::unexpected(known.error());
    }
    auto aside = candidate.put_in_place();
    if (!aside) return std::unexpected(aside.error());
    made_here.keep();
    return Restored{.set_aside = std::move(*aside)};
  });
}

base::Result<std::optional<Restored>> restore_timeline(const OpenCopy& copy, const fs::path& directory) {
  return restore_database(copy, timeline_path(directory), check_timeline_format);
}

}  // namespace postrider::store
