#include "store/quarantine.hpp"

#include <optional>

#include "store/schema.hpp"

namespace postrider::store {
namespace {

// Nothing where even the bytes can't be read (a damaged page), or where there are none of use.
std::optional<std::string> damaged_bytes(Database& database, const BadRecord& bad) {
  const char* sql = nullptr;
  switch (bad.what) {
    case BadRecord::What::envelope:
      sql = "SELECT envelope FROM message WHERE id = ?1";
      break;
    case BadRecord::What::edits:
      sql = "SELECT edits FROM message WHERE id = ?1";
      break;
    case BadRecord::What::recipient:
      sql = "SELECT record FROM recipient WHERE message = ?1 AND idx = ?2";
      break;
    case BadRecord::What::body:
      return {};
  }
  try {
    Statement select(database, sql);
    Rows rows = bad.what == BadRecord::What::recipient
                    ? select.query(bad.id.message.value, std::int64_t{bad.id.index})
                    : select.query(bad.id.message.value);
    if (rows.next()) return std::string(rows.bytes(0));
  } catch (const SqlError& error) {
    if (error.fault() != Fault::job) throw;
  }
  return {};
}

ByState states_of(Database& database, const BadRecord& bad) {
  const bool one = bad.what == BadRecord::What::recipient;
  Statement select(database,
                   "SELECT state FROM recipient WHERE message = ?1 AND (?2 OR idx = ?3) AND state <> 9");
  ByState states{};
  for (auto rows = select.query(bad.id.message.value, std::int64_t{!one}, std::int64_t{bad.id.index});
       rows.next();)
    ++states[place_of(rows.number(0))];
  return states;
}

std::uint64_t mark(Database& database, const BadRecord& bad) {
  static_assert(kQuarantined == 9);
  if (bad.what == BadRecord::What::recipient) {
    Statement one(database, "UPDATE recipient SET state = 9 WHERE message = ?1 AND idx = ?2 AND state <> 9");
    one.run(bad.id.message.value, std::int64_t{bad.id.index});
    return static_cast<std::uint64_t>(one.changes());
  }
  Statement all(database, "UPDATE recipient SET state = 9 WHERE message = ?1 AND state <> 9");
  all.run(bad.id.message.value);
  return static_cast<std::uint64_t>(all.changes());
}

bool has_open_recipients(Database& database, base::MessageId id) {
  Statement open(database, "SELECT 1 FROM recipient WHERE message = ?1 AND state <> 9 LIMIT 1");
  return open.query(id.value).next();
}

}  // namespace

std::string_view to_string(BadRecord::What what) {
  switch (what) {
    case BadRecord::What::envelope:
      return "envelope";
    case BadRecord::What::edits:
      return "edits";
    case BadRecord::What::body:
      return "body";
    case BadRecord::What::recipient:
      return "recipient";
  }
  return "unknown";
}

Taken quarantine(Database& database, const BadRecord& bad, base::UtcTime now) {
  Taken taken{.by_state = states_of(database, bad)};
  taken.recipients = mark(database, bad);
  if (taken.recipients == 0) return taken;
  taken.message = !has_open_recipients(database, bad.id.message);
  const auto bytes = damaged_bytes(database, bad);
  Statement insert(database,
                   "INSERT INTO quarantine(taken_at, what, message, idx, why, data) "
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  insert.run(now.time_since_epoch().count(), to_string(bad.what), bad.id.message.value,
             std::int64_t{bad.id.index}, std::string_view(bad.why), Blob{bytes});
  database.execute(
      "INSERT INTO meta(key, value) VALUES('quarantined', 1) "
      "ON CONFLICT(key) DO UPDATE SET value = meta.value + 1");
  return taken;
}

}  // namespace postrider::store
