#include <algorithm>
#include <unordered_map>

#include "base/ascii.hpp"
#include "directory/registry_rows.hpp"

namespace postrider::directory {
namespace {

using store::Database;
using store::Rows;
using store::Statement;

// Where a row's owner lies.
struct Place {
  std::size_t domain = 0;
  std::size_t index = 0;
};
using Places = std::unordered_map<std::int64_t, Place>;

std::unexpected<base::Failure> damaged(const std::string& what) {
  return base::permanent({5, 3, 0}, "the directory is damaged", "directory.db holds " + what);
}

std::optional<State> state_of(std::int64_t number) {
  if (number < 0 || number > static_cast<std::int64_t>(State::disabled)) return {};
  return static_cast<State>(number);
}

class Reader {
 public:
  explicit Reader(Database& database) : database_(database) {}

  base::Result<std::vector<Domain>> run() {
    for (const auto part : {&Reader::read_domain_rows, &Reader::read_recipients, &Reader::read_accounts,
                            &Reader::read_send_as, &Reader::read_aliases, &Reader::read_targets})
      if (auto read = (this->*part)(); !read) return std::unexpected(read.error());
    return std::move(domains_);
  }

 private:
  base::Result<void> read_domain_rows() {
    Statement select(database_,
                     "SELECT id, name, kind, state, separator, catch_all, listed FROM domain ORDER BY name");
    for (Rows rows = select.query(); rows.next();) {
      const std::string text(rows.bytes(1));
      const auto name = mail::Domain::parse(text);
      const auto state = state_of(rows.number(3));
      if (!name || !state || rows.number(2) > 1) return damaged("a domain that can't be read: " + text);
      Domain& domain = domains_.emplace_back(*name);
      domain.kind = static_cast<config::DomainKind>(rows.number(2));
      domain.state = *state;
      domain.separator = rows.bytes(4);
      if (!rows.null(5)) {
        const auto address = mail::Address::parse(rows.bytes(5));
        if (!address) return damaged("a catch-all that is no address, of " + text);
        domain.catch_all = *address;
      }
      if (rows.number(6) != 0) domain.recipients.emplace();
      by_id_.emplace(rows.number(0), domains_.size() - 1);
    }
    return {};
  }

  base::Result<void> read_recipients() {
    Statement select(database_, "SELECT domain, name FROM recipient ORDER BY domain, name");
    for (Rows rows = select.query(); rows.next();) {
      const auto owner = by_id_.find(rows.number(0));
      if (owner == by_id_.end()) return damaged("a recipient of no domain");
      auto& list = domains_[owner->second].recipients;
      if (list) list->emplace_back(rows.bytes(1));
    }
    return {};
  }

  base::Result<void> read_accounts() {
    Statement select(database_,
                     "SELECT id, domain, name, state, scram, quota, messages_per_hour, messages_per_day, "
                     "recipients_per_hour, recipients_per_day FROM account ORDER BY domain, name");
    for (Rows rows = select.query(); rows.next();) {
      const auto owner = by_id_.find(rows.number(1));
      if (owner == by_id_.end()) return damaged("an account of no domain");
      const std::size_t place = owner->second;
      const auto state = state_of(rows.number(3));
      Account account{.name = std::string(rows.bytes(2)), .quota = {}, .limits = {}, .send_as = {}};
      if (!state || !mail::Address::make(account.name, domains_[place].name))
        return damaged("an account that can't be read: " + account.name);
      account.state = *state;
      account.scram = rows.number(4) != 0;
      if (!rows.null(5)) account.quota = static_cast<std::uint64_t>(rows.number(5));
      const auto limit = [&](int column) { return static_cast<std::uint32_t>(rows.number(column)); };
      account.limits = {limit(6), limit(7), limit(8), limit(9)};
      auto& list = domains_[place].accounts;
      accounts_.emplace(rows.number(0), Place{place, list.size()});
      list.push_back(std::move(account));
    }
    return {};
  }

  base::Result<void> read_send_as() {
    Statement select(database_, "SELECT account, pattern FROM send_as ORDER BY account, pattern");
    for (Rows rows = select.query(); rows.next();) {
      const auto owner = accounts_.find(rows.number(0));
      if (owner == accounts_.end()) return damaged("a send_as of no account");
      domains_[owner->second.domain].accounts[owner->second.index].send_as.emplace_back(rows.bytes(1));
    }
    return {};
  }

  base::Result<void> read_aliases() {
    Statement select(database_, "SELECT id, domain, name, state FROM alias ORDER BY domain, name");
    for (Rows rows = select.query(); rows.next();) {
      const auto owner = by_id_.find(rows.number(1));
      if (owner == by_id_.end()) return damaged("an alias of no domain");
      const std::size_t place = owner->second;
      const auto state = state_of(rows.number(3));
      const std::string name(rows.bytes(2));
      if (!state || !mail::Address::make(name, domains_[place].name))
        return damaged("an alias that can't be read: " + name);
      auto& list = domains_[place].aliases;
      aliases_.emplace(rows.number(0), Place{place, list.size()});
      list.push_back({.name = name, .state = *state, .targets = {}});
    }
    return {};
  }

  base::Result<void> read_targets() {
    Statement select(database_, "SELECT alias, address FROM target ORDER BY alias, position");
    for (Rows rows = select.query(); rows.next();) {
      const auto owner = aliases_.find(rows.number(0));
      const auto address = mail::Address::parse(rows.bytes(1));
      if (owner == aliases_.end()) return damaged("a target of no alias");
      if (!address) return damaged("an alias's target that is no address: " + std::string(rows.bytes(1)));
      domains_[owner->second.domain].aliases[owner->second.index].targets.push_back(*address);
    }
    return {};
  }

  Database& database_;
  std::vector<Domain> domains_;
  std::unordered_map<std::int64_t, std::size_t> by_id_;
  Places accounts_, aliases_;
};

constexpr const char* kAccountColumns =
    "SELECT a.id, a.name || '@' || d.name, max(a.state, d.state), a.scram, a.salt, a.iterations, p.hash, "
    "p.stored_key, "
    "p.server_key FROM account a JOIN domain d ON d.id = a.domain LEFT JOIN password p ON p.account = a.id ";
constexpr const char* kAppColumns =
    "SELECT account, name, hash, stored_key, server_key, created, last_used FROM app_password ";

base::UtcTime time_of(std::int64_t number) { return base::UtcTime(base::Milliseconds(number)); }

StoredCredentials read_account(const Rows& rows) {
  StoredCredentials found;
  found.state = state_of(rows.number(2)).value_or(State::disabled);
  found.scram = rows.number(3) != 0;
  found.salt = rows.bytes(4);
  found.iterations = static_cast<std::uint32_t>(rows.number(5));
  if (!rows.null(6)) {
    found.password = StoredPassword{.hash = std::string(rows.bytes(6)), .scram = {}};
    if (!rows.null(7))
      found.password->scram =
          ScramKeys{found.salt, found.iterations, std::string(rows.bytes(7)), std::string(rows.bytes(8))};
  }
  return found;
}

StoredAppPassword read_app_password(const Rows& rows, const StoredCredentials& of) {
  StoredAppPassword app{
      .name = std::string(rows.bytes(1)),
      .hash = std::string(rows.bytes(2)),
      .scram = {of.salt, of.iterations, std::string(rows.bytes(3)), std::string(rows.bytes(4))},
      .created = time_of(rows.number(5)),
      .last_used = {}};
  if (!rows.null(6)) app.last_used = time_of(rows.number(6));
  return app;
}

}  // namespace

base::Result<std::vector<Domain>> read_domains(Database& database) { return Reader(database).run(); }

std::map<std::string, StoredCredentials> read_credentials(Database& database, const mail::Address* account) {
  std::map<std::string, StoredCredentials> found;
  std::unordered_map<std::int64_t, StoredCredentials*> by_id;
  const std::string name = account ? base::lower(account->local()) : std::string();
  const std::string domain = account ? mail::to_ascii(account->host()) : std::string();
  const auto take = [&](Rows rows) {
    while (rows.next()) {
      const auto address = mail::Address::parse(rows.bytes(1));
      const auto key = address ? canonical(*address) : std::string(rows.bytes(1));
      by_id.emplace(rows.number(0), &found.insert_or_assign(key, read_account(rows)).first->second);
    }
  };
  const auto take_apps = [&](Rows rows) {
    while (rows.next())
      if (const auto owner = by_id.find(rows.number(0)); owner != by_id.end())
        owner->second->app_passwords.push_back(read_app_password(rows, *owner->second));
  };
  const std::string columns = kAccountColumns;
  const std::string apps = kAppColumns;
  if (account) {
    Statement one(database, (columns + "WHERE d.name = ?1 AND a.name = ?2").c_str());
    take(one.query(std::string_view(domain), std::string_view(name)));
    Statement of_one(database, (apps + "WHERE account = ?1 ORDER BY name").c_str());
    if (!by_id.empty()) take_apps(of_one.query(by_id.begin()->first));
  } else {
    Statement all(database, (columns + "WHERE p.hash IS NOT NULL OR EXISTS "
                                       "(SELECT 1 FROM app_password x WHERE x.account = a.id)")
                                .c_str());
    take(all.query());
    Statement of_all(database, (apps + "ORDER BY account, name").c_str());
    take_apps(of_all.query());
  }
  return found;
}

}  // namespace postrider::directory
