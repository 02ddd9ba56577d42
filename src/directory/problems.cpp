#include "directory/problems.hpp"

#include <functional>

#include "base/ascii.hpp"

namespace postrider::directory {
namespace {

class Search {
 public:
  Search(std::shared_ptr<const config::Config> config, std::shared_ptr<const Snapshot> snapshot)
      : config_(config),
        snapshot_(snapshot),
        directory_(make_directory(std::move(config), std::move(snapshot))) {}

  std::vector<std::string> run() {
    for (const config::Domain& domain : config_->domains) look_at(from_config(domain));
    if (!snapshot_) return std::move(found_);
    for (const DomainIndex& index : snapshot_->domains()) {
      const std::string& name = index.domain().name.ascii();
      if (config_->find_domain(index.domain().name))
        found_.push_back("the domain " + name +
                         " is in the configuration too, which goes first: take it out there, or here");
      else
        look_at(index.domain());
    }
    return std::move(found_);
  }

 private:
  void look_at(const Domain& domain) {
    if (domain.state == State::disabled) return;
    for (const Alias& alias : domain.aliases) look_at(domain, alias);
    if (!domain.catch_all) return;
    const auto resolution = directory_->resolve(*domain.catch_all);
    if (resolution ? resolution->standing == Standing::unknown : tells(resolution.error()))
      found_.push_back("the catch-all of " + domain.name.ascii() + " leads to " +
                       domain.catch_all->to_string() +
                       (resolution ? ", who is not there" : ": " + resolution.error().log_text()));
  }

  void look_at(const Domain& domain, const Alias& alias) {
    const std::string name = "the alias " + address_of(alias.name, domain.name).to_string();
    if (alias.targets.empty()) found_.push_back(name + " leads to nobody");
    if (alias.targets.empty() || alias.state == State::disabled) return;
    const auto resolution = directory_->resolve(address_of(alias.name, domain.name));
    if (!resolution && tells(resolution.error()))
      found_.push_back(name + ": " + resolution.error().log_text());
  }

  // That all behind an alias are disabled is what somebody wanted.
  static bool tells(const base::Failure& failure) { return failure.code != base::EnhancedCode{5, 2, 1}; }

  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Directory> directory_;
  std::vector<std::string> found_;
};

using Leads = std::function<bool(const mail::Address&)>;

Leads leads_to(const Snapshot& snapshot, const mail::Address& account) {
  const DomainIndex* index = account.domain() ? snapshot.find(*account.domain()) : nullptr;
  return [index, name = base::lower(account.local())](const mail::Address& target) {
    if (!index || !target.domain() || *target.domain() != index->domain().name) return false;
    const auto found = index->find(target.local());
    return found.account ? found.account->name == name : found.alias && found.alias->name == name;
  };
}

Leads leads_into(const mail::Domain& domain) {
  return [&domain](const mail::Address& target) { return target.domain() && *target.domain() == domain; };
}

// Without what stands in `except`, which goes as a whole.
std::vector<std::string> names(const Snapshot& snapshot, const Leads& leads, const mail::Domain* except) {
  std::vector<std::string> found;
  for (const DomainIndex& index : snapshot.domains()) {
    const Domain& domain = index.domain();
    if (except && domain.name == *except) continue;
    for (const Alias& alias : domain.aliases)
      if (std::ranges::any_of(alias.targets, leads))
        found.push_back(address_of(alias.name, domain.name).to_string());
    if (domain.catch_all && leads(*domain.catch_all))
      found.push_back("the catch-all of " + domain.name.ascii());
  }
  return found;
}

std::vector<Change> without(const Snapshot& snapshot, const Leads& leads, const mail::Domain* except) {
  std::vector<Change> changes;
  for (const DomainIndex& index : snapshot.domains()) {
    const Domain& domain = index.domain();
    if (except && domain.name == *except) continue;
    for (Alias alias : domain.aliases) {
      if (std::erase_if(alias.targets, leads) == 0) continue;
      if (alias.targets.empty())
        changes.emplace_back(RemoveAlias{domain.name, alias.name});
      else
        changes.emplace_back(PutAlias{domain.name, std::move(alias)});
    }
    if (!domain.catch_all || !leads(*domain.catch_all)) continue;
    Domain changed(domain.name);
    changed.kind = domain.kind;
    changed.state = domain.state;
    changed.separator = domain.separator;
    changed.recipients = domain.recipients;
    changes.emplace_back(PutDomain{std::move(changed)});
  }
  return changes;
}

}  // namespace

std::vector<std::string> problems(std::shared_ptr<const config::Config> config,
                                  std::shared_ptr<const Snapshot> snapshot) {
  return Search(std::move(config), std::move(snapshot)).run();
}

std::vector<std::string> pointing_at(const Snapshot& snapshot, const mail::Address& account) {
  return names(snapshot, leads_to(snapshot, account), nullptr);
}
std::vector<std::string> pointing_at(const Snapshot& snapshot, const mail::Domain& domain) {
  return names(snapshot, leads_into(domain), &domain);
}
std::vector<Change> detach(const Snapshot& snapshot, const mail::Address& account) {
  return without(snapshot, leads_to(snapshot, account), nullptr);
}
std::vector<Change> detach(const Snapshot& snapshot, const mail::Domain& domain) {
  return without(snapshot, leads_into(domain), &domain);
}

}  // namespace postrider::directory
