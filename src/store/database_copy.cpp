#include "store/database_copy.hpp"

#include <system_error>

#include "store/files.hpp"
#include "store/job.hpp"

namespace postrider::store {

base::Result<void> copy_database(Database& database, const std::filesystem::path& to) {
  const std::filesystem::path partial = to.string() + ".partial";
  std::error_code error;
  if (std::filesystem::exists(to, error)) return store_failure(to.string() + " exists already");
  std::filesystem::remove(partial, error);
  try {
    // It forbids the writing of any file, and with it that of the copy.
    const bool query_only = database.number("PRAGMA query_only") != 0;
    if (query_only) database.execute("PRAGMA query_only=OFF");
    Statement vacuum(database, "VACUUM INTO ?1");
    vacuum.run(std::string_view(partial.native()));
    if (query_only) database.execute("PRAGMA query_only=ON");
  } catch (const SqlError& fault) {
    std::filesystem::remove(partial, error);
    if (fault.fault() == Fault::full) return storage_full("copying to " + to.string() + ": " + fault.what());
    return store_failure("copying to " + to.string() + ": " + fault.what());
  }
  if (!sync_path(partial)) return store_failure("syncing " + partial.string());
  std::filesystem::rename(partial, to, error);
  const auto parent = to.has_parent_path() ? to.parent_path() : std::filesystem::path(".");
  if (error || !sync_path(parent)) return store_failure("renaming " + partial.string());
  return {};
}

}  // namespace postrider::store
