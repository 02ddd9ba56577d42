#include <sodium.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/ascii.hpp"
#include "config/section.hpp"
#include "directory/contents.hpp"
#include "directory/password.hpp"
#include "directory/scram.hpp"
#include "directory/values.hpp"

namespace postrider::directory {
namespace {

using config::Entry;
using config::Position;
using config::Report;
using config::Value;
using Kind = config::Value::Kind;

// One table of the file. Faults go to the report; what is at fault stays as it was.
class Table {
 public:
  Table(const Value& value, Report& report) : value_(value), report_(report) {}
  // What was not asked for is a fault.
  void finish(std::string_view what) {
    for (const Entry& entry : value_.entries) {
      if (known_.contains(entry.key)) continue;
      const auto near = config::nearest(entry.key, {known_.begin(), known_.end()});
      report_.add(
          entry.at, "unknown key \"" + entry.key + '"',
          near ? "did you mean \"" + *near + "\"?" : "take it out: no " + std::string(what) + " has it");
    }
  }
  Position at() const { return value_.at; }

  const Value* find(std::string_view key, Kind kind) {
    known_.emplace(key);
    const auto found = std::ranges::find(value_.entries, key, &Entry::key);
    if (found == value_.entries.end()) return nullptr;
    if (found->value.kind == kind) return &found->value;
    report_.add(found->value.at,
                "\"" + std::string(key) + "\" is " + std::string(config::name_of(found->value.kind)) +
                    ", and should be " + std::string(config::name_of(kind)),
                "write it as `postrider directory export` does");
    return nullptr;
  }
  // `take` is given the text, and gives Parsed<T>.
  template <class T, class Parse>
  bool read(std::string_view key, T& target, Parse parse) {
    const Value* value = find(key, Kind::text);
    return value && set(*value, target, parse);
  }
  template <class T, class Parse>
  bool require(std::string_view key, T& target, Parse parse) {
    if (std::ranges::find(value_.entries, key, &Entry::key) == value_.entries.end())
      report_.add(at(), "\"" + std::string(key) + "\" is missing", "each of these tables needs it");
    return read(key, target, parse);
  }
  template <class T, class Parse>
  bool read_list(std::string_view key, std::vector<T>& target, Parse parse) {
    const Value* list = find(key, Kind::list);
    if (!list) return false;
    for (const Value& value : list->list) {
      std::optional<T> item;
      if (value.kind != Kind::text)
        report_.add(value.at, std::string(config::name_of(value.kind)) + " in a list of strings",
                    "put it in quotes");
      else if (set(value, item, parse))
        target.push_back(*std::move(item));
    }
    return true;
  }
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) {
    const Value* value = find(key, Kind::integer);
    if (!value) return {};
    if (value->integer >= low && value->integer <= high) return value->integer;
    report_.add(value->at, "\"" + std::string(key) + "\" is out of bounds",
                "write " + std::to_string(low) + " to " + std::to_string(high));
    return {};
  }

 private:
  template <class T, class Parse>
  bool set(const Value& value, T& target, Parse& parse) {
    auto parsed = parse(std::string_view(value.text));
    if (parsed)
      target = *std::move(parsed);
    else
      report_.add(value.at, parsed.error());
    return parsed.has_value();
  }
  const Value& value_;
  Report& report_;
  std::set<std::string, std::less<>> known_;
};

template <class T>
config::Parsed<T> as_parsed(base::Result<T> result) {
  if (result) return std::move(*result);
  return std::unexpected(
      config::Problem{result.error().text, "take it from an export, or set the password anew"});
}

class Parser {
 public:
  explicit Parser(Report& report) : report_(report) {}

  Contents run(const Value& root) {
    Table top(root, report_);
    if (!top.integer("format", 1, 1) && !has(root, "format"))
      report_.add({1, 1}, "\"format\" is missing",
                  "write format = 1, or take a file that `directory export` wrote");
    each(top, "domain", [&](const Value& value) { read_domain(value); });
    std::ranges::sort(contents_.domains, {}, &Domain::name);
    each(top, "account", [&](const Value& value) { read_account(value); });
    each(top, "alias", [&](const Value& value) { read_alias(value); });
    top.finish("directory");
    for (Domain& domain : contents_.domains) {
      std::ranges::sort(domain.accounts, {}, &Account::name);
      std::ranges::sort(domain.aliases, {}, &Alias::name);
    }
    return std::move(contents_);
  }

 private:
  static bool has(const Value& root, std::string_view key) {
    return std::ranges::find(root.entries, key, &Entry::key) != root.entries.end();
  }

  void each(Table& top, std::string_view name, const std::function<void(const Value&)>& read) {
    const Value* list = top.find(name, Kind::list);
    if (!list) return;
    for (const Value& value : list->list) {
      if (value.kind == Kind::table)
        read(value);
      else
        report_.add(value.at, "not a table", "write [[" + std::string(name) + "]] above it");
    }
  }

  void read_domain(const Value& value) {
    Table table(value, report_);
    Domain domain(*mail::Domain::parse("invalid"));
    const bool named = table.require("name", domain.name, config::parse_domain);
    std::string kind = "local";
    table.read("kind", kind, [](std::string_view text) -> config::Parsed<std::string> {
      if (text == "local" || text == "relay") return std::string(text);
      return std::unexpected(
          config::Problem{"\"" + std::string(text) + "\" is no kind of domain", "write local or relay"});
    });
    if (kind == "relay") domain.kind = config::DomainKind::relay;
    table.read("state", domain.state, [](std::string_view text) { return parse_state_of(text, true); });
    table.read("separator", domain.separator, config::parse_separator);
    table.read("catch_all", domain.catch_all, config::parse_address);
    std::vector<std::string> recipients;
    if (table.read_list("recipients", recipients, config::parse_local)) {
      std::ranges::sort(recipients);
      recipients.erase(std::ranges::unique(recipients).begin(), recipients.end());
      domain.recipients = std::move(recipients);
    }
    table.finish("domain");
    if (domain.kind == config::DomainKind::local && domain.recipients)
      report_.add(table.at(), "a local domain has no recipients list",
                  "list accounts, or write kind = \"relay\"");
    if (domain.kind == config::DomainKind::relay && domain.catch_all)
      report_.add(table.at(), "a domain that is only relayed for has no catch_all",
                  "take it out, or write kind = \"local\"");
    if (!named) return;
    if (!domains_.insert(domain.name.ascii()).second)
      return report_.add(table.at(), "a second domain " + domain.name.ascii(),
                         "put all of it into one [[domain]]");
    contents_.domains.push_back(std::move(domain));
  }

  // Null, and a fault, where there is no such local domain, or the name is taken.
  Domain* domain_for(const Table& table, const mail::Address& address) {
    const auto found = std::ranges::lower_bound(contents_.domains, *address.domain(), {}, &Domain::name);
    if (found == contents_.domains.end() || found->name != *address.domain()) {
      report_.add(table.at(), "there is no [[domain]] " + address.domain()->ascii() + " in this file",
                  "add it");
      return nullptr;
    }
    if (found->kind != config::DomainKind::local) {
      report_.add(table.at(),
                  address.domain()->ascii() + " is only relayed for: it has no accounts and aliases here",
                  "write kind = \"local\", or take this out");
      return nullptr;
    }
    if (!names_.insert(canonical(address)).second) {
      report_.add(table.at(), address.to_string() + " stands here twice",
                  "a name is one account or one alias; case makes no difference");
      return nullptr;
    }
    return &*found;
  }

  void read_account(const Value& value) {
    Table table(value, report_);
    std::optional<mail::Address> address;
    table.require("address", address, parse_account);
    Account account;
    table.read("state", account.state, [](std::string_view text) { return parse_state_of(text, true); });
    if (const Value* scram = table.find("scram", Kind::boolean)) account.scram = scram->boolean;
    table.read("quota", account.quota, [](std::string_view text) -> config::Parsed<std::uint64_t> {
      auto size = config::parse_size(text);
      if (size && *size > kMostQuota)
        return std::unexpected(config::Problem{"a quota above 1 PiB", "0 is no bound"});
      return size;
    });
    for (const auto& [name, member] : kLimitNames)
      if (const auto limit = table.integer(name, 0, kMostLimit))
        account.limits.*member = static_cast<std::uint32_t>(*limit);
    table.read_list("send_as", account.send_as, parse_send_as);
    std::ranges::sort(account.send_as);
    account.send_as.erase(std::ranges::unique(account.send_as).begin(), account.send_as.end());
    auto stored = read_credentials(table);
    if (stored && stored->password && stored->password->scram && !account.scram)
      report_.add(table.at(), "scram_keys of an account that has no scram = true",
                  "write it, or take the keys out");
    table.finish("account");
    if (!address) return;
    Domain* domain = domain_for(table, *address);
    if (!domain) return;
    account.name = address->local();
    if (stored) contents_.credentials.emplace(canonical(*address), *std::move(stored));
    domain->accounts.push_back(std::move(account));
  }

  // Nothing where the file says nothing of them.
  std::optional<StoredCredentials> read_credentials(Table& table) {
    StoredCredentials stored;
    std::string hash;
    const bool said = table.read("password", hash, [](std::string_view text) -> config::Parsed<std::string> {
      if (text.empty()) return std::string();
      auto foreign = as_parsed(parse_foreign_hash(text));
      // One of our own stays as it is, so that it is not made anew at the next login.
      if (foreign && text.starts_with("$argon2id$")) return std::string(text);
      return foreign;
    });
    const auto parse_keys = [](std::string_view text) { return as_parsed(parse_scram_keys(text)); };
    std::optional<ScramKeys> keys;
    table.read("scram_keys", keys, parse_keys);
    if (!hash.empty()) stored.password = StoredPassword{hash, keys};
    const Value* list = table.find("app_passwords", Kind::list);
    if (list) read_app_passwords(*list, stored);
    if (!said && !list) return {};
    check_salt(table.at(), stored);
    return stored;
  }

  void read_app_passwords(const Value& list, StoredCredentials& stored) {
    for (const Value& value : list.list) {
      Table table(value, report_);
      StoredAppPassword app;
      bool good = table.require("name", app.name, parse_app_password_name);
      good &= table.require("hash", app.hash, [](std::string_view text) -> config::Parsed<std::string> {
        std::string bytes(32, '\0');
        std::size_t size = 0;
        if (text.size() == 64 &&
            sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                           text.size(), nullptr, &size, nullptr) == 0 &&
            size == bytes.size())
          return bytes;
        return std::unexpected(config::Problem{"the hash of an app password has 64 hexadecimal digits",
                                               "take it from an export"});
      });
      good &= table.require("scram_keys", app.scram,
                            [](std::string_view text) { return as_parsed(parse_scram_keys(text)); });
      if (const auto created = table.integer("created", 0, 1ll << 52))
        app.created = base::UtcTime(base::Milliseconds(*created));
      table.finish("app password");
      const auto same_name = [&](const StoredAppPassword& other) { return other.name == app.name; };
      if (std::ranges::any_of(stored.app_passwords, same_name))
        report_.add(table.at(), "a second app password \"" + app.name + '"', "take one out");
      else if (stored.app_passwords.size() == kMostAppPasswords)
        report_.add(table.at(), "more than 100 app passwords of one account", "take some out");
      else if (good)
        stored.app_passwords.push_back(std::move(app));
    }
    std::ranges::sort(stored.app_passwords, {}, &StoredAppPassword::name);
  }

  void check_salt(Position at, StoredCredentials& stored) {
    const auto take = [&](const ScramKeys& keys) {
      if (stored.iterations == 0) {
        stored.salt = keys.salt;
        stored.iterations = keys.iterations;
      } else if (stored.salt != keys.salt || stored.iterations != keys.iterations) {
        report_.add(at, "the SCRAM keys of one account have different salts", "take them from one export");
      }
    };
    if (stored.password && stored.password->scram) take(*stored.password->scram);
    for (const StoredAppPassword& app : stored.app_passwords) take(app.scram);
  }

  void read_alias(const Value& value) {
    Table table(value, report_);
    std::optional<mail::Address> address;
    table.require("address", address, parse_alias);
    Alias alias;
    table.read("state", alias.state, [](std::string_view text) { return parse_state_of(text, false); });
    table.read_list("to", alias.targets, config::parse_address);
    table.finish("alias");
    if (alias.targets.empty())
      report_.add(table.at(), "an alias that leads to nobody",
                  "give it at least one address: to = [\"...\"]");
    if (alias.targets.size() > kMostTargets)
      report_.add(table.at(), "an alias that leads to more than 1000 addresses",
                  "a mailing list is the better tool for so many");
    if (!address) return;
    Domain* domain = domain_for(table, *address);
    if (!domain) return;
    alias.name = address->local();
    domain->aliases.push_back(std::move(alias));
  }

  Report& report_;
  Contents contents_;
  std::set<std::string> domains_, names_;
};

}  // namespace

std::expected<Contents, std::vector<config::Fault>> parse_contents(std::string_view text,
                                                                   std::string_view name) {
  const auto document = config::read_document(text, name);
  if (!document) return std::unexpected(std::vector{document.error()});
  Report report(name);
  auto contents = Parser(report).run(*document);
  if (!report.empty()) return std::unexpected(std::move(report).sorted());
  return contents;
}

}  // namespace postrider::directory
