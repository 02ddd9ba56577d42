#include "directory/registry.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "directory/problems.hpp"
#include "directory/registry_rows.hpp"
#include "directory/schema.hpp"
#include "directory/scram.hpp"
#include "store/database_copy.hpp"
#include "store/files.hpp"
#include "sys/log.hpp"

namespace postrider::directory {
namespace {

constexpr std::size_t kSecretOctets = 32;

// SQLite gives the WAL and its index the mode of the file. One that is there is not opened: to close it again would take
// away the locks of all connections that this process has to it, and another process would then remove the WAL under them.
base::Result<void> make_file(const std::filesystem::path& file) {
  const auto fail = [&](const char* why) {
    return base::temporary({4, 3, 0}, "the directory can't be opened",
                           "can't open " + file.string() + ": " + why);
  };
  const int made = open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made >= 0) {
    close(made);
    return {};
  }
  if (errno != EEXIST) return fail(std::strerror(errno));
  struct stat there{};
  if (lstat(file.c_str(), &there) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(there.st_mode)) return fail("it is no regular file");
  return {};
}

constexpr int kAttempts = 100;
constexpr std::chrono::milliseconds kPause(20);
constexpr int kFullAttempts = 10;
constexpr std::chrono::milliseconds kFullPause(200);

// Two processes that make a new file at once: SQLite asks nobody to wait for the change to a WAL.
void set_journal_mode(store::Database& database) {
  for (int attempt = 1;; ++attempt) {
    try {
      if (database.text("PRAGMA journal_mode=WAL") == "wal") return;
      throw store::SqlError("the file system can't hold a WAL");
    } catch (const store::SqlError& error) {
      if (error.fault() != store::Fault::job || error.is_damage() || attempt == kAttempts) throw;
    }
    std::this_thread::sleep_for(kPause);
  }
}

void set_pragmas(store::Database& database) {
  set_journal_mode(database);
  database.execute("PRAGMA synchronous=FULL");
  database.execute("PRAGMA foreign_keys=ON");
}

base::Failure failure(const store::SqlError& error, const std::filesystem::path& file) {
  const std::string log = file.string() + ": " + error.what();
  if (error.is_damage()) return {{5, 3, 0}, "the directory is damaged", log};
  return {{4, 3, 0}, "the directory can't be read or written now", log};
}

}  // namespace

template <class Work>
auto Registry::guard(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const store::SqlError& error) {
    try {
      if (database_->in_transaction()) database_->execute("ROLLBACK");
    } catch (const store::SqlError& second) {
      sys::log::error("directory_rollback", {{"why", second.what()}});
    }
    return std::unexpected(failure(error, file_));
  }
}

base::Result<std::unique_ptr<Registry>> Registry::open(const std::filesystem::path& folder,
                                                       sys::Random& random) {
  const auto file = file_in(folder);
  if (const auto made = make_file(file); !made) return std::unexpected(made.error());
  // On a full disk the index of the WAL is made anew in the room of the old one, which the file system gives back a moment
  // after it was freed.
  for (int attempt = 1;; ++attempt, std::this_thread::sleep_for(kFullPause)) {
    try {
      auto database =
          std::make_unique<store::Database>(file.string(), nullptr, store::Database::Access::read_write);
      set_pragmas(*database);
      if (const auto migrated = migrate(*database, file, schema()); !migrated)
        return std::unexpected(migrated.error());
      std::unique_ptr<Registry> registry(new Registry(file, std::move(database)));
      registry->prepare_secret(random);
      return registry;
    } catch (const store::SqlError& error) {
      if (error.fault() != store::Fault::full || attempt == kFullAttempts)
        return std::unexpected(failure(error, file));
      store::settle_file_system(folder);
    }
  }
}

void Registry::prepare_secret(sys::Random& random) {
  const std::string fresh = random.bytes(kSecretOctets);
  if (database_->number("SELECT count(*) FROM meta WHERE key='secret'") == 0) {
    store::Statement insert(*database_, "INSERT INTO meta VALUES('secret', ?1) ON CONFLICT DO NOTHING");
    insert.run(store::Blob{fresh});
  }
  secret_ = database_->text("SELECT value FROM meta WHERE key='secret'");
}

std::string Registry::salt_for(const mail::Address& account) const {
  return hmac_sha256(secret_, "scram salt " + canonical(account)).substr(0, kScramSalt);
}

std::uint64_t Registry::read_generation() {
  return static_cast<std::uint64_t>(database_->number("SELECT value FROM meta WHERE key='generation'"));
}

base::Result<std::uint64_t> Registry::generation() {
  return guard([&]() -> base::Result<std::uint64_t> { return read_generation(); });
}

base::Result<std::shared_ptr<const Snapshot>> Registry::load() {
  return guard([&]() -> base::Result<std::shared_ptr<const Snapshot>> {
    database_->execute("BEGIN");
    const auto generation = read_generation();
    auto domains = read_domains(*database_);
    database_->execute("COMMIT");
    if (!domains) return std::unexpected(domains.error());
    return std::make_shared<const Snapshot>(std::move(*domains), generation);
  });
}

base::Result<std::uint64_t> Registry::apply(std::span<const Change> changes, const Applying& options) {
  return guard([&]() -> base::Result<std::uint64_t> {
    database_->execute("BEGIN IMMEDIATE");
    const auto refuse = [&](base::Failure why) -> base::Result<std::uint64_t> {
      database_->execute("ROLLBACK");
      return std::unexpected(std::move(why));
    };
    const auto generation = read_generation();
    if (generation != options.generation)
      return refuse({{4, 3, 0}, "the directory was changed by somebody else meanwhile; look again", {}});
    std::set<std::string> before;
    if (options.config) {
      auto domains = read_domains(*database_);
      if (!domains) return refuse(domains.error());
      const auto known =
          problems(options.config, std::make_shared<Snapshot>(std::move(*domains), generation));
      before.insert(known.begin(), known.end());
    }
    for (const Change& change : changes)
      if (auto written = write_change(*database_, change); !written) return refuse(written.error());
    auto domains = read_domains(*database_);
    if (!domains) return refuse(domains.error());
    if (options.config) {
      std::string broken;
      for (const auto& problem :
           problems(options.config, std::make_shared<Snapshot>(std::move(*domains), generation)))
        if (!before.contains(problem)) broken += (broken.empty() ? "" : "\n") + problem;
      if (!broken.empty()) return refuse({{5, 5, 0}, broken, {}});
    }
    database_->execute(
        "INSERT INTO meta VALUES('generation', 1) ON CONFLICT DO UPDATE SET value = value + 1");
    database_->execute("COMMIT");
    return generation + 1;
  });
}

base::Result<void> Registry::copy_to(const std::filesystem::path& file) {
  return guard([&]() -> base::Result<void> { return store::copy_database(*database_, file); });
}

base::Result<std::optional<StoredCredentials>> Registry::credentials(const mail::Address& account) {
  return guard([&]() -> base::Result<std::optional<StoredCredentials>> {
    auto found = read_credentials(*database_, &account);
    if (found.empty()) return std::nullopt;
    return std::move(found.begin()->second);
  });
}

base::Result<std::map<std::string, StoredCredentials>> Registry::all_credentials() {
  return guard([&]() -> base::Result<std::map<std::string, StoredCredentials>> {
    return read_credentials(*database_, nullptr);
  });
}

base::Result<void> Registry::upgrade(const mail::Address& account, const std::string& old_hash,
                                     const StoredPassword& better) {
  return guard([&]() -> base::Result<void> {
    upgrade_password(*database_, account, old_hash, better);
    return {};
  });
}

base::Result<void> Registry::note_use(const mail::Address& account, const std::string& app_password,
                                      base::UtcTime when) {
  return guard([&]() -> base::Result<void> {
    write_use(*database_, account, app_password, when);
    return {};
  });
}

base::Result<SrsSecrets> Registry::srs_secrets() {
  return guard([&]() -> base::Result<SrsSecrets> { return read_srs_secrets(*database_); });
}

base::Result<SrsSecrets> Registry::renew_srs_secrets(base::UtcTime now, base::Milliseconds max_age,
                                                     sys::Random& random) {
  return guard([&]() -> base::Result<SrsSecrets> {
    database_->execute("BEGIN IMMEDIATE");
    auto secrets = read_srs_secrets(*database_);
    const bool due = are_due(secrets, now, max_age);
    if (due) {
      secrets = renewed(std::move(secrets), now, max_age, random);
      write_srs_secrets(*database_, secrets);
    }
    database_->execute(due ? "COMMIT" : "ROLLBACK");
    return secrets;
  });
}

}  // namespace postrider::directory
