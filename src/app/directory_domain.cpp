#include <algorithm>
#include <iostream>

#include "app/directory_tools.hpp"
#include "app/queue_print.hpp"
#include "directory/problems.hpp"

namespace postrider::app {
namespace {

using directory::Change;
using directory::Domain;

// What the command line says, laid onto a record.
void lay(const DirectoryOptions& options, Domain& domain) {
  if (options.kind)
    domain.kind = *options.kind == "relay" ? config::DomainKind::relay : config::DomainKind::local;
  if (options.state) domain.state = parsed(directory::parse_state_of(*options.state, true), "--state");
  if (options.separator)
    domain.separator = parsed(config::parse_separator(*options.separator), "--separator");
  if (options.catch_all)
    domain.catch_all = parsed(config::parse_target(*options.catch_all, domain.name), "--catch-all");
  if (options.no_catch_all) domain.catch_all.reset();
  if (!options.recipients.empty()) {
    auto& list = domain.recipients.emplace();
    for (const auto& name : options.recipients)
      list.push_back(parsed(config::parse_local(name), "--recipient"));
    std::ranges::sort(list);
  }
  if (options.ask_next_hop) domain.recipients.reset();
  const bool relay = domain.kind == config::DomainKind::relay;
  if (!relay && domain.recipients)
    throw Stop{kUsage, "--recipient is for a domain of --kind relay; a local one has accounts"};
  if (relay && domain.catch_all) throw Stop{kUsage, "a domain of --kind relay has no catch-all"};
  if (relay && !(domain.accounts.empty() && domain.aliases.empty()))
    throw Stop{kRefused,
               domain.name.ascii() + " has accounts or aliases, and one that is only relayed for has none"};
}

void print_domain(const Listed& listed) {
  const Domain& domain = listed.domain;
  const bool relay = domain.kind == config::DomainKind::relay;
  std::cout << domain.name.ascii() << "\n  from       "
            << "the " << source(listed.configured) << "\n  kind       " << (relay ? "relay" : "local")
            << "\n  state      " << directory::to_string(domain.state) << '\n';
  if (domain.name.text() != domain.name.ascii()) std::cout << "  written    " << domain.name.text() << '\n';
  if (relay) {
    std::cout << "  recipients "
              << (domain.recipients ? harmless(joined(*domain.recipients)) : "the next server is asked")
              << '\n';
    return;
  }
  std::cout << "  separator  " << (domain.separator.empty() ? "none" : domain.separator) << "\n  catch-all  "
            << (domain.catch_all ? harmless(domain.catch_all->to_string()) : "none") << "\n  accounts   "
            << domain.accounts.size() << "\n  aliases    " << domain.aliases.size() << '\n';
}

boost::json::object with_source(boost::json::object object, bool configured) {
  object["from"] = source(configured);
  return object;
}

}  // namespace

int domain_add(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  Domain domain(domain_name(options.name));
  lay(options, domain);
  desk.change([&]() -> std::vector<Change> {
    if (desk.find(domain.name)) throw Stop{kRefused, "there is a domain " + domain.name.ascii() + " already"};
    return {directory::PutDomain{domain}};
  });
  say(options, "added", to_json(domain));
  return kDone;
}

int domain_set(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto name = domain_name(options.name);
  desk.change([&]() -> std::vector<Change> {
    Domain domain = desk.need(name);
    lay(options, domain);
    return {directory::PutDomain{std::move(domain)}};
  });
  say(options, "changed", to_json(*DirectoryDesk(options.config).find(name)));
  return kDone;
}

int domain_list(const DirectoryOptions& options) {
  const DirectoryDesk desk(options.config);
  Table table({"DOMAIN", "KIND", "STATE", "ACCOUNTS", "ALIASES", "FROM"});
  for (const auto& [domain, configured] : all_domains(desk, {})) {
    if (options.json)
      print_json(with_source(to_json(domain), configured));
    else
      table.add({domain.name.ascii(), domain.kind == config::DomainKind::local ? "local" : "relay",
                 std::string(directory::to_string(domain.state)), std::to_string(domain.accounts.size()),
                 std::to_string(domain.aliases.size()), source(configured)});
  }
  if (!options.json) table.print();
  return kDone;
}

int domain_show(const DirectoryOptions& options) {
  const DirectoryDesk desk(options.config);
  const auto all = all_domains(desk, options.name);
  if (options.json)
    print_json(with_source(to_json(all.front().domain), all.front().configured));
  else
    print_domain(all.front());
  return kDone;
}

int domain_remove(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto name = domain_name(options.name);
  boost::json::object was;
  desk.change(
      [&]() -> std::vector<Change> {
        // Also one that the configuration has too.
        const Domain* domain = desk.find(name);
        if (!domain) desk.need(name);
        was = to_json(*domain);
        std::vector<std::string> inside;
        for (const auto& account : domain->accounts)
          inside.push_back("the account " + directory::address_of(account.name, name).to_string());
        for (const auto& alias : domain->aliases)
          inside.push_back("the alias " + directory::address_of(alias.name, name).to_string());
        for (const auto& one : directory::pointing_at(desk.snapshot(), name))
          inside.push_back(one + ", which leads there");
        if (!inside.empty() && !options.force)
          throw Stop{kRefused, name.ascii() + " is not removed without --force, since with it would go:" +
                                   listed(inside)};
        auto changes = directory::detach(desk.snapshot(), name);
        changes.emplace_back(directory::RemoveDomain{name});
        return changes;
      },
      options.force);
  say(options, "removed", std::move(was));
  if (!options.json) std::cout << "Mailboxes that are on the disk stay there.\n";
  return kDone;
}

}  // namespace postrider::app
