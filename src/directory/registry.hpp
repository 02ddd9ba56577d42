// The directory's database: data_dir/directory.db, SQLite (WAL, synchronous=FULL, mode 0600). Several
// processes use it at once: the server, and whoever runs `postrider account`. PostgreSQL will stand behind
// the same calls.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "directory/changes.hpp"
#include "directory/credential.hpp"
#include "directory/snapshot.hpp"
#include "directory/srs_secrets.hpp"
#include "store/sqlite.hpp"
#include "sys/random.hpp"

namespace postrider::directory {

struct Applying {
  // The snapshot from which the changes were derived: where the database has gone on since, nothing is done
  // (temporary 4.3.0).
  std::uint64_t generation = 0;
  // With it, what would be broken by the changes is refused (permanent 5.5.0): see problems.hpp. Null: only what no
  // database may hold is.
  std::shared_ptr<const config::Config> config;
};

// One thread at a time. All calls block: for a disk, and at most 5 s for another process that writes. What
// fails is a temporary Failure (a damaged file: permanent) with the reason in its log text.
class Registry {
 public:
  // In `folder`, which is there; made where it is missing. A file of another kind or a newer format: permanent.
  static base::Result<std::unique_ptr<Registry>> open(const std::filesystem::path& folder,
                                                      sys::Random& random);
  static std::filesystem::path file_in(const std::filesystem::path& folder) {
    return folder / "directory.db";
  }

  // Counts the changes of what a Snapshot holds.
  base::Result<std::uint64_t> generation();
  // All rows are read.
  base::Result<std::shared_ptr<const Snapshot>> load();
  // All of it or nothing, on the disk when it returns. Gives the new generation.
  base::Result<std::uint64_t> apply(std::span<const Change> changes, const Applying& options);
  // A consistent copy into a file that must not exist.
  base::Result<void> copy_to(const std::filesystem::path& file);

  // Nothing where there is no such account (exactly this address, in any case).
  base::Result<std::optional<StoredCredentials>> credentials(const mail::Address& account);
  // Of all accounts that have some, by canonical().
  base::Result<std::map<std::string, StoredCredentials>> all_credentials();
  // Where its hash still is `old_hash`. No change of the generation, as is the next.
  base::Result<void> upgrade(const mail::Address& account, const std::string& old_hash,
                             const StoredPassword& better);
  base::Result<void> note_use(const mail::Address& account, const std::string& app_password,
                              base::UtcTime when);

  base::Result<SrsSecrets> srs_secrets();
  // As renewed() makes them of what is there now; on the disk when it returns. No change of the generation.
  base::Result<SrsSecrets> renew_srs_secrets(base::UtcTime now, base::Milliseconds max_age,
                                             sys::Random& random);

  // The salt of an account's SCRAM keys: made of its name and of 32 random octets that were made with the
  // file and never leave it. So a name that is nobody's has one too, and nothing tells the two apart. RFC
  // 5802 9
  std::string salt_for(const mail::Address& account) const;

 private:
  Registry(std::filesystem::path file, std::unique_ptr<store::Database> database)
      : file_(std::move(file)), database_(std::move(database)) {}
  void prepare_secret(sys::Random& random);
  std::uint64_t read_generation();
  // Runs `work`, which may throw store::SqlError, and rolls back what it left open.
  template <class Work>
  auto guard(Work&& work) -> decltype(work());

  std::filesystem::path file_;
  std::unique_ptr<store::Database> database_;
  std::string secret_;
};

}  // namespace postrider::directory
