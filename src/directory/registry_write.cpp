#include "base/ascii.hpp"
#include "directory/registry_rows.hpp"

namespace postrider::directory {
namespace {

using store::Blob;
using store::Database;
using store::Rows;
using store::Statement;

std::int64_t number(std::integral auto value) { return static_cast<std::int64_t>(value); }
std::int64_t number(State state) { return static_cast<std::int64_t>(state); }
std::int64_t number(base::UtcTime time) { return time.time_since_epoch().count(); }

std::unexpected<base::Failure> refuse(const std::string& why) { return base::permanent({5, 5, 0}, why); }

class Writer {
 public:
  explicit Writer(Database& database) : database_(database) {}

  base::Result<void> operator()(const PutDomain& change);
  base::Result<void> operator()(const RemoveDomain& change);
  base::Result<void> operator()(const PutAccount& change);
  base::Result<void> operator()(const RemoveAccount& change);
  base::Result<void> operator()(const PutAlias& change);
  base::Result<void> operator()(const RemoveAlias& change);
  base::Result<void> operator()(const SetPassword& change);
  base::Result<void> operator()(const PutAppPassword& change);
  base::Result<void> operator()(const RemoveAppPassword& change);

 private:
  // The first column of the first row.
  template <class... Args>
  std::optional<std::int64_t> find(const char* sql, const Args&... args) {
    Statement select(database_, sql);
    Rows rows = select.query(args...);
    if (!rows.next()) return {};
    return rows.number(0);
  }
  template <class... Args>
  int run(const char* sql, const Args&... args) {
    Statement statement(database_, sql);
    statement.run(args...);
    return statement.changes();
  }
  base::Result<std::int64_t> domain(const mail::Domain& name);
  base::Result<std::int64_t> account(const mail::Domain& of, const std::string& name);
  base::Result<void> set_salt(std::int64_t account, const ScramKeys& keys);

  Database& database_;
};

using Text = std::string_view;

base::Result<std::int64_t> Writer::domain(const mail::Domain& name) {
  const auto id = find("SELECT id FROM domain WHERE name = ?1", Text(name.ascii()));
  if (!id) return refuse("there is no domain " + name.ascii());
  return *id;
}

base::Result<std::int64_t> Writer::account(const mail::Domain& of, const std::string& name) {
  const auto place = domain(of);
  if (!place) return place;
  const auto id = find("SELECT id FROM account WHERE domain = ?1 AND name = ?2", *place, Text(name));
  if (!id) return refuse("there is no account " + name + '@' + of.ascii());
  return *id;
}

base::Result<void> Writer::operator()(const PutDomain& change) {
  const Domain& record = change.domain;
  const std::string catch_all = record.catch_all ? record.catch_all->to_string() : std::string();
  const Text name = record.name.ascii();
  run("INSERT INTO domain(name, kind, state, separator, catch_all, listed) VALUES(?1, ?2, ?3, ?4, nullif(?5, "
      "''), ?6) "
      "ON CONFLICT(name) DO UPDATE SET kind = ?2, state = ?3, separator = ?4, catch_all = nullif(?5, ''), "
      "listed = ?6",
      name, number(static_cast<int>(record.kind)), number(record.state), Text(record.separator),
      Text(catch_all), number(record.recipients.has_value() ? 1 : 0));
  const auto id = domain(record.name);
  run("DELETE FROM recipient WHERE domain = ?1", *id);
  if (!record.recipients) return {};
  Statement insert(database_, "INSERT OR IGNORE INTO recipient VALUES(?1, ?2)");
  for (const std::string& recipient : *record.recipients) insert.run(*id, Text(recipient));
  return {};
}

base::Result<void> Writer::operator()(const RemoveDomain& change) {
  const auto id = domain(change.name);
  if (!id) return std::unexpected(id.error());
  run("DELETE FROM domain WHERE id = ?1", *id);
  return {};
}

base::Result<void> Writer::operator()(const PutAccount& change) {
  const Account& record = change.account;
  const auto place = domain(change.domain);
  if (!place) return std::unexpected(place.error());
  if (find("SELECT id FROM alias WHERE domain = ?1 AND name = ?2", *place, Text(record.name)))
    return refuse(record.name + '@' + change.domain.ascii() + " is an alias already");
  std::optional<std::int64_t> quota;
  if (record.quota) quota = number(*record.quota);
  run("INSERT INTO account(domain, name, state, scram, quota, messages_per_hour, messages_per_day, "
      "recipients_per_hour, "
      "recipients_per_day, salt, iterations) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, x'', 0) "
      "ON CONFLICT(domain, name) DO UPDATE SET state = ?3, scram = ?4, quota = ?5, messages_per_hour = ?6, "
      "messages_per_day = ?7, recipients_per_hour = ?8, recipients_per_day = ?9",
      *place, Text(record.name), number(record.state), number(record.scram ? 1 : 0), quota,
      number(record.limits.messages_per_hour), number(record.limits.messages_per_day),
      number(record.limits.recipients_per_hour), number(record.limits.recipients_per_day));
  const auto id = account(change.domain, record.name);
  if (!record.scram) run("UPDATE password SET stored_key = NULL, server_key = NULL WHERE account = ?1", *id);
  run("DELETE FROM send_as WHERE account = ?1", *id);
  Statement insert(database_, "INSERT OR IGNORE INTO send_as VALUES(?1, ?2)");
  for (const std::string& pattern : record.send_as) insert.run(*id, Text(pattern));
  return {};
}

base::Result<void> Writer::operator()(const RemoveAccount& change) {
  const auto id = account(change.domain, change.name);
  if (!id) return std::unexpected(id.error());
  run("DELETE FROM account WHERE id = ?1", *id);
  return {};
}

base::Result<void> Writer::operator()(const PutAlias& change) {
  const Alias& record = change.alias;
  const auto place = domain(change.domain);
  if (!place) return std::unexpected(place.error());
  if (find("SELECT id FROM account WHERE domain = ?1 AND name = ?2", *place, Text(record.name)))
    return refuse(record.name + '@' + change.domain.ascii() + " is an account already");
  run("INSERT INTO alias(domain, name, state) VALUES(?1, ?2, ?3) ON CONFLICT(domain, name) DO UPDATE SET "
      "state = ?3",
      *place, Text(record.name), number(record.state));
  const auto id = find("SELECT id FROM alias WHERE domain = ?1 AND name = ?2", *place, Text(record.name));
  run("DELETE FROM target WHERE alias = ?1", *id);
  Statement insert(database_, "INSERT INTO target VALUES(?1, ?2, ?3)");
  std::int64_t position = 0;
  for (const mail::Address& target : record.targets) {
    const std::string address = target.to_string();
    insert.run(*id, position++, Text(address));
  }
  return {};
}

base::Result<void> Writer::operator()(const RemoveAlias& change) {
  const auto place = domain(change.domain);
  if (!place) return std::unexpected(place.error());
  if (run("DELETE FROM alias WHERE domain = ?1 AND name = ?2", *place, Text(change.name)) == 0)
    return refuse("there is no alias " + change.name + '@' + change.domain.ascii());
  return {};
}

// All verifiers of an account share it, so it changes only while there is no other.
base::Result<void> Writer::set_salt(std::int64_t id, const ScramKeys& keys) {
  const Blob salt{keys.salt};
  const auto fits = find(
      "SELECT 1 FROM account a WHERE id = ?1 AND ((salt = ?2 AND iterations = ?3) OR NOT EXISTS "
      "(SELECT 1 FROM app_password WHERE account = a.id) AND NOT EXISTS "
      "(SELECT 1 FROM password WHERE account = a.id AND stored_key IS NOT NULL))",
      id, salt, number(keys.iterations));
  if (!fits) return refuse("the SCRAM keys of one account must have one salt and one number of iterations");
  run("UPDATE account SET salt = ?2, iterations = ?3 WHERE id = ?1", id, salt, number(keys.iterations));
  return {};
}

base::Result<void> Writer::operator()(const SetPassword& change) {
  const auto id = account(change.domain, change.account);
  if (!id) return std::unexpected(id.error());
  run("DELETE FROM password WHERE account = ?1", *id);
  if (!change.password) return {};
  const bool wanted = find("SELECT scram FROM account WHERE id = ?1", *id) == 1;
  const std::optional<ScramKeys> scram = wanted ? change.password->scram : std::nullopt;
  if (scram)
    if (auto set = set_salt(*id, *scram); !set) return set;
  const Blob stored{scram ? std::optional<Text>(scram->stored_key) : std::nullopt};
  const Blob server{scram ? std::optional<Text>(scram->server_key) : std::nullopt};
  run("INSERT INTO password VALUES(?1, ?2, ?3, ?4)", *id, Text(change.password->hash), stored, server);
  return {};
}

base::Result<void> Writer::operator()(const PutAppPassword& change) {
  const auto id = account(change.domain, change.account);
  if (!id) return std::unexpected(id.error());
  const StoredAppPassword& app = change.app_password;
  run("DELETE FROM app_password WHERE account = ?1 AND name = ?2", *id, Text(app.name));
  if (auto set = set_salt(*id, app.scram); !set) return set;
  std::optional<std::int64_t> used;
  if (app.last_used) used = number(*app.last_used);
  run("INSERT INTO app_password(account, name, hash, stored_key, server_key, created, last_used) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      *id, Text(app.name), Blob{app.hash}, Blob{app.scram.stored_key}, Blob{app.scram.server_key},
      number(app.created), used);
  return {};
}

base::Result<void> Writer::operator()(const RemoveAppPassword& change) {
  const auto id = account(change.domain, change.account);
  if (!id) return std::unexpected(id.error());
  if (run("DELETE FROM app_password WHERE account = ?1 AND name = ?2", *id, Text(change.name)) == 0)
    return refuse(change.account + '@' + change.domain.ascii() + " has no app password \"" + change.name +
                  '"');
  return {};
}

// The account's id, by its address.
constexpr const char* kId =
    "(SELECT a.id FROM account a JOIN domain d ON d.id = a.domain WHERE d.name = ?1 AND a.name = ?2)";

}  // namespace

base::Result<void> write_change(Database& database, const Change& change) {
  Writer writer(database);
  return std::visit(writer, change);
}

void upgrade_password(Database& database, const mail::Address& account, const std::string& old_hash,
                      const StoredPassword& better) {
  const std::string domain = mail::to_ascii(account.host());
  const std::string name = base::lower(account.local());
  const auto& scram = better.scram;
  const Blob stored{scram ? std::optional<Text>(scram->stored_key) : std::nullopt};
  const Blob server{scram ? std::optional<Text>(scram->server_key) : std::nullopt};
  database.execute("BEGIN IMMEDIATE");
  if (scram) {
    // The first verifier of the account brings the salt; where another came first meanwhile, this one waits
    // for the next login.
    Statement salt(database, (std::string("UPDATE account SET salt = ?3, iterations = ?4 WHERE id = ") + kId +
                              " AND (iterations = 0 OR salt = ?3 AND iterations = ?4)")
                                 .c_str());
    salt.run(Text(domain), Text(name), Blob{scram->salt}, number(scram->iterations));
    if (salt.changes() == 0) return database.execute("ROLLBACK");
  }
  Statement update(database, (std::string("UPDATE password SET hash = ?3, stored_key = ?4, server_key = ?5 "
                                          "WHERE hash = ?6 AND account = ") +
                              kId)
                                 .c_str());
  update.run(Text(domain), Text(name), Text(better.hash), stored, server, Text(old_hash));
  database.execute("COMMIT");
}

void write_use(Database& database, const mail::Address& account, const std::string& app_password,
               base::UtcTime when) {
  const std::string domain = mail::to_ascii(account.host());
  const std::string name = base::lower(account.local());
  Statement update(
      database,
      (std::string("UPDATE app_password SET last_used = ?3 WHERE name = ?4 AND account = ") + kId).c_str());
  update.run(Text(domain), Text(name), number(when), Text(app_password));
}

}  // namespace postrider::directory
