#include "store/migration.hpp"

#include <system_error>

#include "store/database_copy.hpp"

namespace postrider::store {
namespace {

std::unexpected<base::Failure> refuse(const Format& to, std::string why) {
  return base::permanent({5, 3, 5}, "the " + std::string(to.what) + " can't be opened", std::move(why));
}

// It may hold hashes of passwords.
base::Result<void> copy_before_migration(Database& database, const std::filesystem::path& path,
                                         std::int64_t format) {
  const std::filesystem::path copy = path.string() + ".format-" + std::to_string(format);
  std::error_code ignored;
  std::filesystem::remove(copy, ignored);
  auto copied = copy_database(database, copy);
  if (copied) std::filesystem::permissions(copy, std::filesystem::perms(0600), ignored);
  return copied;
}

base::Result<std::int64_t> check_format(Database& database, const std::filesystem::path& path,
                                        const Format& to) {
  const std::int64_t format = database.number("PRAGMA user_version");
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && database.number("PRAGMA application_id") != to.application_id)
    return refuse(to, path.string() + " is not a " + std::string(to.what) + " of postrider");
  if (format > static_cast<std::int64_t>(to.steps.size()))
    return refuse(to, newer_format(path, format, static_cast<std::int64_t>(to.steps.size())));
  return format;
}

}  // namespace

std::string newer_format(const std::filesystem::path& path, std::int64_t format, std::int64_t known) {
  return path.string() + " has format " + std::to_string(format) +
         ", and this postrider knows formats up to " + std::to_string(known) +
         ": it was written by a newer one, so install that";
}

base::Result<void> migrate(Database& database, const std::filesystem::path& path, const Format& to) {
  const auto current = static_cast<std::int64_t>(to.steps.size());
  auto format = check_format(database, path, to);
  if (!format) return std::unexpected(format.error());
  if (*format == current) return {};
  if (*format > 0)
    if (auto copied = copy_before_migration(database, path, *format); !copied) return copied;
  database.execute("BEGIN IMMEDIATE");
  // Another process may have done it while this one waited.
  format = check_format(database, path, to);
  if (!format) {
    database.execute("ROLLBACK");
    return std::unexpected(format.error());
  }
  for (std::int64_t step = *format; step < current; ++step) database.execute(to.steps[step]);
  database.execute(("PRAGMA application_id=" + std::to_string(to.application_id)).c_str());
  database.execute(("PRAGMA user_version=" + std::to_string(current)).c_str());
  database.execute("COMMIT");
  return {};
}

}  // namespace postrider::store
