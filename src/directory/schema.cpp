#include "directory/schema.hpp"

#include <fmt/format.h>

#include <array>

#include "store/database_copy.hpp"

namespace postrider::directory {
namespace {

// Names are lower case (domains: A-labels), addresses as mail::Address writes them, times in ms since 1970.
// docs/directory.md
constexpr const char* kFormat1 = R"sql(
CREATE TABLE meta(
  key TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE domain(
  id INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  separator TEXT NOT NULL,
  catch_all TEXT,
  listed INTEGER NOT NULL);
CREATE TABLE recipient(
  domain INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  PRIMARY KEY(domain, name)) WITHOUT ROWID;
CREATE TABLE account(
  id INTEGER NOT NULL PRIMARY KEY,
  domain INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  scram INTEGER NOT NULL,
  quota INTEGER,
  messages_per_hour INTEGER NOT NULL,
  messages_per_day INTEGER NOT NULL,
  recipients_per_hour INTEGER NOT NULL,
  recipients_per_day INTEGER NOT NULL,
  salt BLOB NOT NULL,
  iterations INTEGER NOT NULL,
  UNIQUE(domain, name));
CREATE TABLE send_as(
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  pattern TEXT NOT NULL,
  PRIMARY KEY(account, pattern)) WITHOUT ROWID;
CREATE TABLE alias(
  id INTEGER NOT NULL PRIMARY KEY,
  domain INTEGER NOT NULL REFERENCES domain(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  UNIQUE(domain, name));
CREATE TABLE target(
  alias INTEGER NOT NULL REFERENCES alias(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY(alias, position)) WITHOUT ROWID;
CREATE TABLE password(
  account INTEGER NOT NULL PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  stored_key BLOB,
  server_key BLOB);
CREATE TABLE app_password(
  id INTEGER NOT NULL PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL,
  created INTEGER NOT NULL,
  last_used INTEGER,
  UNIQUE(account, name));
)sql";

constexpr std::array<const char*, 1> kSteps = {kFormat1};

std::unexpected<base::Failure> refuse(std::string why) {
  return base::permanent({5, 3, 5}, "the directory can't be opened", std::move(why));
}

base::Result<void> copy_before_migration(store::Database& database, const std::filesystem::path& path,
                                         std::int64_t format) {
  const std::filesystem::path copy = path.string() + fmt::format(".format-{}", format);
  std::error_code ignored;
  std::filesystem::remove(copy, ignored);
  auto copied = store::copy_database(database, copy);
  // It holds hashes of passwords.
  if (copied) std::filesystem::permissions(copy, std::filesystem::perms(0600), ignored);
  return copied;
}

base::Result<std::int64_t> check_format(store::Database& database, const std::filesystem::path& path,
                                        std::int64_t newest) {
  const std::int64_t application = database.number("PRAGMA application_id");
  const std::int64_t format = database.number("PRAGMA user_version");
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && application != kApplicationId)
    return refuse(fmt::format("{} is not a directory of postrider", path.string()));
  if (format > newest)
    return refuse(
        fmt::format("{} has format {}, and this postrider knows formats up to {}: it was written by a "
                    "newer one, so install that",
                    path.string(), format, newest));
  return format;
}

}  // namespace

std::span<const char* const> schema_steps() { return kSteps; }

base::Result<void> migrate(store::Database& database, const std::filesystem::path& path,
                           std::span<const char* const> steps) {
  const auto current = static_cast<std::int64_t>(steps.size());
  auto format = check_format(database, path, current);
  if (!format) return std::unexpected(format.error());
  if (*format == current) return {};
  if (*format > 0)
    if (auto copied = copy_before_migration(database, path, *format); !copied) return copied;
  database.execute("BEGIN IMMEDIATE");
  // Another process may have done it while this one waited.
  format = check_format(database, path, current);
  if (!format) {
    database.execute("ROLLBACK");
    return std::unexpected(format.error());
  }
  for (std::int64_t step = *format; step < current; ++step) database.execute(steps[step]);
  database.execute(fmt::format("PRAGMA application_id={}", kApplicationId).c_str());
  database.execute(fmt::format("PRAGMA user_version={}", current).c_str());
  database.execute("COMMIT");
  return {};
}

}  // namespace postrider::directory
