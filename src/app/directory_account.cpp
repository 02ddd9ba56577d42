#include <algorithm>
#include <iostream>

#include "app/directory_tools.hpp"
#include "app/queue_print.hpp"
#include "directory/password.hpp"

namespace postrider::app {
namespace {

using directory::Account;
using directory::Change;

// What the command line says, laid onto a record.
void lay(const DirectoryOptions& options, Account& account) {
  if (options.state) account.state = parsed(directory::parse_state_of(*options.state, true), "--state");
  if (options.quota == "default") {
    account.quota.reset();
  } else if (options.quota) {
    account.quota = *options.quota == "none" ? 0 : parsed(config::parse_size(*options.quota), "--quota");
    if (*account.quota > directory::kMostQuota) throw Stop{kUsage, "--quota: at most 1024TiB, or none"};
  }
  for (std::size_t i = 0; i < options.limits.size(); ++i)
    if (options.limits[i]) account.limits.*directory::kLimitNames[i].member = *options.limits[i];
  if (options.no_send_as) account.send_as.clear();
  if (!options.send_as.empty()) {
    account.send_as.clear();
    for (const auto& text : options.send_as)
      account.send_as.push_back(parsed(directory::parse_send_as(text), "--send-as"));
    std::ranges::sort(account.send_as);
    account.send_as.erase(std::ranges::unique(account.send_as).begin(), account.send_as.end());
  }
  if (options.scram) account.scram = true;
  if (options.no_scram) account.scram = false;
}

struct Login {
  bool password = false;
  std::size_t app_passwords = 0;
};
Login login_of(const std::map<std::string, directory::StoredCredentials>& all, const mail::Address& address) {
  const auto found = all.find(directory::canonical(address));
  if (found == all.end()) return {};
  return {found->second.password.has_value(), found->second.app_passwords.size()};
}

std::string login_text(const Login& login) {
  std::string text = login.password ? "password" : "";
  if (login.app_passwords > 0)
    text += (text.empty() ? "" : ", ") + counted(login.app_passwords, "app password");
  return text.empty() ? "none" : text;
}

std::string limits_text(const directory::Limits& limits) {
  std::vector<std::string> parts;
  for (const auto& [name, member] : directory::kLimitNames) {
    if (limits.*member == 0) continue;
    std::string words(name);
    std::ranges::replace(words, '_', ' ');
    parts.push_back(std::to_string(limits.*member) + ' ' + words);
  }
  return parts.empty() ? "none" : joined(parts);
}

boost::json::object with_login(boost::json::object object, const Login& login, bool configured) {
  object["password"] = login.password;
  object["app_passwords"] = login.app_passwords;
  object["from"] = source(configured);
  return object;
}

void print_account(const mail::Address& address, const Account& account, const Login& login, bool configured,
                   const std::vector<std::string>& addresses) {
  std::cout << harmless(address.to_string()) << "\n  from       "
            << "the " << source(configured) << "\n  state      " << directory::to_string(account.state)
            << "\n  logs in by " << login_text(login) << "\n  SCRAM      "
            << (account.scram ? "with the password too" : "with app passwords only") << "\n  quota      "
            << quota_text(account.quota) << "\n  limits     " << limits_text(account.limits)
            << "\n  sends as   " << harmless(joined(addresses)) << '\n';
}

}  // namespace

int account_add(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  Account account;
  account.name = address.local();
  lay(options, account);
  const auto check = [&] {
    if (directory::find_account(desk.need(*address.domain()), account.name))
      throw Stop{kRefused, "there is an account " + address.to_string() + " already"};
    if (desk.need(*address.domain()).kind == config::DomainKind::relay)
      throw Stop{kRefused, address.domain()->ascii() + " is only relayed for: it has no accounts here"};
  };
  check();  // before a password is asked for
  std::vector<Change> credentials;
  if (options.hash) {
    const auto hash = directory::parse_foreign_hash(*options.hash);
    if (!hash) throw Stop{kUsage, "--hash: " + hash.error().text};
    credentials.emplace_back(
        directory::SetPassword{*address.domain(), account.name, directory::StoredPassword{*hash, {}}});
  } else if (!options.no_password) {
    if (!options.from_stdin && !has_terminal())
      throw Stop{kUsage, "there is no terminal to ask for a password: say --stdin, --hash or --no-password"};
    credentials.push_back(new_password(desk, address, account.scram, read_new_password(options.from_stdin)));
  }
  desk.change([&] {
    check();
    std::vector<Change> changes{directory::PutAccount{*address.domain(), account}};
    changes.insert(changes.end(), credentials.begin(), credentials.end());
    return changes;
  });
  say(options, "added", to_json(address, account));
  return kDone;
}

int account_set(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  Account account;
  desk.change([&]() -> std::vector<Change> {
    account = desk.need_account(address);
    lay(options, account);
    return {directory::PutAccount{*address.domain(), account}};
  });
  say(options, "changed", to_json(address, account));
  return kDone;
}

int account_list(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto credentials = taken(desk.registry().all_credentials());
  Table table({"ACCOUNT", "STATE", "QUOTA", "LOGIN", "FROM"});
  for (const auto& [domain, configured] : all_domains(desk, options.domain)) {
    for (const auto& account : domain.accounts) {
      const auto address = directory::address_of(account.name, domain.name);
      const auto login = login_of(credentials, address);
      if (options.json)
        print_json(with_login(to_json(address, account), login, configured));
      else
        table.add({address.to_string(), std::string(directory::to_string(account.state)),
                   quota_text(account.quota), login_text(login), source(configured)});
    }
  }
  if (!options.json) table.print();
  return kDone;
}

int account_show(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  const auto directory = directory::make_directory(desk.config(), desk.shared_snapshot());
  const bool configured = desk.config()->find_domain(*address.domain()) != nullptr;
  const Account* account = directory->account(address);
  if (!account) throw Stop{kRefused, "there is no account " + address.to_string()};
  const auto login = login_of(taken(desk.registry().all_credentials()), address);
  const auto addresses = directory->addresses_of(address);
  if (!options.json) {
    print_account(address, *account, login, configured, addresses);
    return kDone;
  }
  auto object = with_login(to_json(address, *account), login, configured);
  boost::json::array list;
  for (const auto& one : addresses) list.emplace_back(one);
  object["addresses"] = std::move(list);
  print_json(object);
  return kDone;
}

int account_remove(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = account_address(options.name);
  boost::json::object was;
  desk.change(
      [&]() -> std::vector<Change> {
        was = to_json(address, desk.need_account(address));
        auto changes = detached(desk, address, options.force);
        changes.emplace_back(directory::RemoveAccount{*address.domain(), address.local()});
        return changes;
      },
      options.force);
  say(options, "removed", std::move(was));
  if (!options.json) std::cout << "The mailbox stays on the disk.\n";
  return kDone;
}

}  // namespace postrider::app
