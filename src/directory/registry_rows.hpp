// The rows of the directory's database, read and written. All of these throw store::SqlError.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "directory/changes.hpp"
#include "directory/credential.hpp"
#include "store/sqlite.hpp"

namespace postrider::directory {

// All of them, sorted by name. Failure: permanent, a row that this postrider can't have written.
base::Result<std::vector<Domain>> read_domains(store::Database& database);

// Of one account, or of all (null) that have a password or an app password; by canonical().
std::map<std::string, StoredCredentials> read_credentials(store::Database& database,
                                                          const mail::Address* account);

// Within a transaction. Failure: permanent, there is no such domain or account, or a name is taken.
base::Result<void> write_change(store::Database& database, const Change& change);

void upgrade_password(store::Database& database, const mail::Address& account, const std::string& old_hash,
                      const StoredPassword& better);
void write_use(store::Database& database, const mail::Address& account, const std::string& app_password,
               base::UtcTime when);

}  // namespace postrider::directory
