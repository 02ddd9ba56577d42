#include <boost/json/array.hpp>
#include <iostream>

#include "app/directory_tools.hpp"
#include "app/privileges.hpp"
#include "app/queue_print.hpp"
#include "directory/problems.hpp"
#include "sys/random.hpp"

namespace postrider::app {
namespace {

constexpr int kAttempts = 10;  // where others change the directory all the time
constexpr std::size_t kMostLines = 20;

boost::json::array strings(const std::vector<std::string>& list) {
  boost::json::array array;
  for (const auto& item : list) array.emplace_back(item);
  return array;
}

}  // namespace

DirectoryDesk::DirectoryDesk(const std::filesystem::path& config) : config_(load_config(config)) {
  if (const auto made = make_data_dir(*config_); !made) throw Stop{kRefused, made.error().log_text()};
  owner_.emplace(taken(AsOwner::of(config_->data_dir)));
  registry_ = taken(directory::Registry::open(config_->data_dir, sys::system_random()));
  snapshot_ = taken(registry_->load());
}

const directory::Domain* DirectoryDesk::find(const mail::Domain& name) const {
  const auto* index = snapshot_->find(name);
  return index ? &index->domain() : nullptr;
}

const directory::Domain& DirectoryDesk::need(const mail::Domain& name) const {
  if (config_->find_domain(name))
    throw Stop{kRefused, name.ascii() + " is a domain of the configuration (" + config_->file +
                             "), which goes first: change it there, or take it out there and add it here"};
  const auto* domain = find(name);
  if (!domain)
    throw Stop{kRefused, "there is no domain " + name.ascii() + "; postrider domain add makes one"};
  return *domain;
}

const directory::Account& DirectoryDesk::need_account(const mail::Address& address) const {
  const auto* account = directory::find_account(need(*address.domain()), address.local());
  if (account) return *account;
  const bool alias = directory::find_alias(need(*address.domain()), address.local()) != nullptr;
  throw Stop{kRefused, alias ? address.to_string() + " is an alias; an account is needed"
                             : "there is no account " + address.to_string()};
}

void DirectoryDesk::change(const std::function<std::vector<directory::Change>()>& compute, bool force) {
  for (int attempt = 1;; ++attempt) {
    const auto generation = snapshot_->generation();
    const auto applied =
        registry_->apply(compute(), {.generation = generation, .config = force ? nullptr : config_});
    if (applied) return;
    const bool overtaken = taken(registry_->generation()) != generation;
    if (!overtaken || attempt == kAttempts) throw Stop{kRefused, applied.error().log_text()};
    snapshot_ = taken(registry_->load());
  }
}

void DirectoryDesk::apply(const std::vector<directory::Change>& changes) {
  taken(registry_->apply(changes, {.generation = snapshot_->generation(), .config = config_}));
}

mail::Address account_address(const std::string& text) {
  return parsed(directory::parse_account(text), "ADDRESS");
}
mail::Address alias_address(const std::string& text) {
  return parsed(directory::parse_alias(text), "ADDRESS");
}
mail::Domain domain_name(const std::string& text) { return parsed(config::parse_domain(text), "DOMAIN"); }

std::vector<Listed> all_domains(const DirectoryDesk& desk, const std::optional<std::string>& only) {
  std::vector<Listed> all;
  const auto wanted = only ? std::optional(domain_name(*only)) : std::nullopt;
  for (const auto& domain : desk.config()->domains)
    if (!wanted || domain.name == *wanted) all.push_back({directory::from_config(domain), true});
  for (const auto& index : desk.snapshot().domains()) {
    const auto& domain = index.domain();
    if (!desk.config()->find_domain(domain.name) && (!wanted || domain.name == *wanted))
      all.push_back({domain, false});
  }
  if (all.empty() && only) throw Stop{kRefused, "there is no domain " + *only};
  return all;
}

std::vector<directory::Change> detached(const DirectoryDesk& desk, const mail::Address& address, bool force) {
  const auto pointing = directory::pointing_at(desk.snapshot(), address);
  if (!pointing.empty() && !force)
    throw Stop{kRefused,
               address.to_string() +
                   " is not removed without --force (which takes it out of them), since these lead there:" +
                   listed(pointing)};
  return directory::detach(desk.snapshot(), address);
}

boost::json::object to_json(const directory::Domain& domain) {
  boost::json::object object{{"domain", domain.name.ascii()},
                             {"kind", domain.kind == config::DomainKind::local ? "local" : "relay"},
                             {"state", directory::to_string(domain.state)},
                             {"separator", domain.separator},
                             {"catch_all", nullptr},
                             {"accounts", domain.accounts.size()},
                             {"aliases", domain.aliases.size()}};
  if (domain.catch_all) object["catch_all"] = domain.catch_all->to_string();
  if (domain.recipients) object["recipients"] = strings(*domain.recipients);
  return object;
}

boost::json::object to_json(const mail::Address& address, const directory::Account& account) {
  boost::json::object object{{"account", address.to_string()},
                             {"state", directory::to_string(account.state)},
                             {"scram", account.scram},
                             {"quota", nullptr}};
  if (account.quota) object["quota"] = *account.quota;
  for (const auto& [name, member] : directory::kLimitNames) object[name] = account.limits.*member;
  object["send_as"] = strings(account.send_as);
  return object;
}

boost::json::object to_json(const mail::Address& address, const directory::Alias& alias) {
  return {{"alias", address.to_string()},
          {"state", directory::to_string(alias.state)},
          {"to", strings(texts(alias.targets))}};
}

std::string quota_text(const std::optional<std::uint64_t>& quota) {
  if (!quota) return "default";
  return *quota == 0 ? "none" : config::show_size(*quota);
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::vector<std::string> texts(const std::vector<mail::Address>& addresses) {
  std::vector<std::string> list;
  list.reserve(addresses.size());
  for (const auto& address : addresses) list.push_back(address.to_string());
  return list;
}

void say(const DirectoryOptions& options, std::string_view what, boost::json::object object) {
  if (options.json) {
    object["done"] = what;
    return print_json(object);
  }
  std::cout << harmless(std::string(object.begin()->value().as_string())) << ": " << what << ".\n";
}

std::string listed(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), kMostLines); ++i) text += "\n  " + lines[i];
  if (lines.size() > kMostLines) text += "\n  and " + std::to_string(lines.size() - kMostLines) + " more";
  return text;
}

}  // namespace postrider::app
