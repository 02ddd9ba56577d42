#include "directory/srs_secrets.hpp"

#include <algorithm>

namespace postrider::directory {
namespace {

// The newest may have been used until the next was made. A day more, as an address knows only its day.
bool is_over(const SrsSecret& next, base::UtcTime now, base::Milliseconds max_age) {
  return next.made + max_age + std::chrono::days(1) < now;
}

bool wants_new(const SrsSecrets& secrets, base::UtcTime now) {
  return secrets.empty() || secrets.front().made + kNewSrsSecret <= now;
}

}  // namespace

bool are_due(const SrsSecrets& secrets, base::UtcTime now, base::Milliseconds max_age) {
  if (wants_new(secrets, now)) return true;
  return secrets.size() > 1 && is_over(secrets[secrets.size() - 2], now, max_age);
}

SrsSecrets renewed(SrsSecrets secrets, base::UtcTime now, base::Milliseconds max_age, sys::Random& random) {
  if (wants_new(secrets, now)) secrets.insert(secrets.begin(), {now, random.bytes(kSrsSecret)});
  while (secrets.size() > 1 && is_over(secrets[secrets.size() - 2], now, max_age)) secrets.pop_back();
  if (secrets.size() > kMostSrsSecrets) secrets.resize(kMostSrsSecrets);
  return secrets;
}

SrsSecrets read_srs_secrets(store::Database& database) {
  SrsSecrets secrets;
  store::Statement all(database,
                       "SELECT CAST(substr(key, 12) AS INTEGER) AS made, value FROM meta "
                       "WHERE key GLOB 'srs_secret_*' ORDER BY made DESC");
  for (auto rows = all.query(); rows.next();)
    secrets.push_back({base::UtcTime(base::Milliseconds(rows.number(0))), std::string(rows.bytes(1))});
  // An empty one would be everybody's.
  std::erase_if(secrets, [](const SrsSecret& secret) { return secret.octets.size() != kSrsSecret; });
  return secrets;
}

void write_srs_secrets(store::Database& database, const SrsSecrets& secrets) {
  database.execute("DELETE FROM meta WHERE key GLOB 'srs_secret_*'");
  store::Statement insert(database, "INSERT INTO meta VALUES('srs_secret_' || ?1, ?2)");
  for (const auto& secret : secrets)
    insert.run(static_cast<std::int64_t>(secret.made.time_since_epoch().count()), store::Blob{secret.octets});
}

}  // namespace postrider::directory
