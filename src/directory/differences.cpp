#include <algorithm>

#include "directory/contents.hpp"
#include "directory/values.hpp"

namespace postrider::directory {
namespace {

std::string show_list(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "none" : text;
}

std::string show_targets(const std::vector<mail::Address>& targets) {
  std::vector<std::string> list;
  list.reserve(targets.size());
  for (const auto& target : targets) list.push_back(target.to_string());
  return show_list(list);
}

std::string show_quota(const std::optional<std::uint64_t>& quota) {
  if (!quota) return "default";
  return *quota == 0 ? "none" : config::show_size(*quota);
}

// Details of what is new name what is not the default; `before` is then a default record.
class Details {
 public:
  void add(std::string_view key, const std::string& before, const std::string& after) {
    if (before != after) lines_.push_back(std::string(key) + ": " + before + " -> " + after);
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

std::vector<std::string> details(const Domain& before, const Domain& after) {
  const auto kind = [](const Domain& domain) {
    return std::string(domain.kind == config::DomainKind::local ? "local" : "relay");
  };
  const auto catch_all = [](const Domain& domain) {
    return domain.catch_all ? domain.catch_all->to_string() : "none";
  };
  const auto recipients = [](const Domain& domain) {
    return domain.recipients ? show_list(*domain.recipients) : std::string("ask the next hop");
  };
  Details found;
  found.add("kind", kind(before), kind(after));
  found.add("state", std::string(to_string(before.state)), std::string(to_string(after.state)));
  found.add("separator", '"' + before.separator + '"', '"' + after.separator + '"');
  found.add("catch_all", catch_all(before), catch_all(after));
  found.add("recipients", recipients(before), recipients(after));
  return found.take();
}

std::vector<std::string> details(const Account& before, const Account& after) {
  Details found;
  found.add("state", std::string(to_string(before.state)), std::string(to_string(after.state)));
  found.add("scram", before.scram ? "true" : "false", after.scram ? "true" : "false");
  found.add("quota", show_quota(before.quota), show_quota(after.quota));
  for (const auto& [name, member] : kLimitNames)
    found.add(name, std::to_string(before.limits.*member), std::to_string(after.limits.*member));
  found.add("send_as", show_list(before.send_as), show_list(after.send_as));
  return found.take();
}

std::vector<std::string> details(const Alias& before, const Alias& after) {
  Details found;
  found.add("state", std::string(to_string(before.state)), std::string(to_string(after.state)));
  found.add("to", show_targets(before.targets), show_targets(after.targets));
  return found.take();
}

class Comparison {
 public:
  Comparison(const Contents& from, const Contents& to) : from_(from), to_(to) {}

  // In an order in which a name that was an alias may become an account, and the other way round.
  std::vector<Difference> run() {
    for (const Domain& domain : to_.domains) put_domain(domain);
    for (const Domain& domain : from_.domains)
      if (const Domain* now = find(to_, domain.name)) remove_names(domain, *now);
    for (const Domain& domain : to_.domains) put_names(domain);
    for (const Domain& domain : from_.domains)
      if (!find(to_, domain.name)) remove_domain(domain);
    return std::move(found_);
  }

 private:
  static const Domain* find(const Contents& contents, const mail::Domain& name) {
    const auto found = std::ranges::lower_bound(contents.domains, name, {}, &Domain::name);
    return found != contents.domains.end() && found->name == name ? &*found : nullptr;
  }

  void note(char sign, std::string what, std::string name, std::vector<std::string> lines, Change change) {
    found_.push_back({sign, std::move(what), std::move(name), std::move(lines), {}});
    found_.back().changes.push_back(std::move(change));
  }

  void put_domain(const Domain& domain) {
    Domain settings(domain.name);
    settings.kind = domain.kind;
    settings.state = domain.state;
    settings.separator = domain.separator;
    settings.catch_all = domain.catch_all;
    settings.recipients = domain.recipients;
    const Domain* before = find(from_, domain.name);
    auto lines = details(before ? *before : Domain(domain.name), domain);
    if (!before || !lines.empty())
      note(before ? '~' : '+', "domain", domain.name.ascii(), std::move(lines),
           PutDomain{std::move(settings)});
  }

  void remove_domain(const Domain& domain) {
    note('-', "domain", domain.name.ascii(),
         {"with " + std::to_string(domain.accounts.size()) + " accounts and " +
          std::to_string(domain.aliases.size()) + " aliases"},
         RemoveDomain{domain.name});
  }

  void remove_names(const Domain& before, const Domain& now) {
    for (const Alias& alias : before.aliases)
      if (!find_alias(now, alias.name))
        note('-', "alias", address_of(alias.name, before.name).to_string(), {},
             RemoveAlias{before.name, alias.name});
    for (const Account& account : before.accounts)
      if (!find_account(now, account.name))
        note('-', "account", address_of(account.name, before.name).to_string(), {},
             RemoveAccount{before.name, account.name});
  }

  void put_names(const Domain& domain) {
    const Domain* before = find(from_, domain.name);
    for (const Account& account : domain.accounts) {
      const Account* old = before ? find_account(*before, account.name) : nullptr;
      auto lines =
          details(old ? *old : Account{.name = {}, .quota = {}, .limits = {}, .send_as = {}}, account);
      Difference difference{
          old ? '~' : '+', "account", address_of(account.name, domain.name).to_string(), lines, {}};
      if (!old || !lines.empty()) difference.changes.emplace_back(PutAccount{domain.name, account});
      put_credentials(domain, account, difference);
      if (!difference.changes.empty()) found_.push_back(std::move(difference));
    }
    for (const Alias& alias : domain.aliases) {
      const Alias* old = before ? find_alias(*before, alias.name) : nullptr;
      auto lines = details(old ? *old : Alias{}, alias);
      if (!old || !lines.empty())
        note(old ? '~' : '+', "alias", address_of(alias.name, domain.name).to_string(), std::move(lines),
             PutAlias{domain.name, alias});
    }
  }

  void put_credentials(const Domain& domain, const Account& account, Difference& difference) {
    const std::string name = canonical(address_of(account.name, domain.name));
    const auto wanted = to_.credentials.find(name);
    if (wanted == to_.credentials.end()) return;
    const auto known = from_.credentials.find(name);
    const StoredCredentials none;
    const StoredCredentials& before = known == from_.credentials.end() ? none : known->second;
    const StoredCredentials& after = wanted->second;
    std::vector<Change> removed, added;
    for (const StoredAppPassword& app : before.app_passwords) {
      if (std::ranges::any_of(after.app_passwords, [&](const auto& other) { return is_same(app, other); }))
        continue;
      removed.emplace_back(RemoveAppPassword{domain.name, account.name, app.name});
      difference.details.push_back("app password \"" + app.name + "\": removed");
    }
    if (after.password != before.password) {
      // Its keys go first, so that new ones may have another salt.
      if (before.password) removed.emplace_back(SetPassword{domain.name, account.name, {}});
      if (after.password) added.emplace_back(SetPassword{domain.name, account.name, after.password});
      difference.details.emplace_back(after.password ? "password: set" : "password: none");
    }
    for (const StoredAppPassword& app : after.app_passwords) {
      if (std::ranges::any_of(before.app_passwords, [&](const auto& other) { return is_same(app, other); }))
        continue;
      added.emplace_back(PutAppPassword{domain.name, account.name, app});
      difference.details.push_back("app password \"" + app.name + "\": added");
    }
    for (auto* list : {&removed, &added})
      for (Change& change : *list) difference.changes.push_back(std::move(change));
  }

  // Whatever its last use.
  static bool is_same(const StoredAppPassword& one, const StoredAppPassword& other) {
    return one.name == other.name && one.hash == other.hash && one.scram == other.scram &&
           one.created == other.created;
  }

  const Contents& from_;
  const Contents& to_;
  std::vector<Difference> found_;
};

}  // namespace

std::vector<Difference> differences(const Contents& from, const Contents& to) {
  return Comparison(from, to).run();
}

}  // namespace postrider::directory
