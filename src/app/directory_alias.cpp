#include <algorithm>
#include <iostream>

#include "app/directory_tools.hpp"
#include "app/queue_print.hpp"

namespace postrider::app {
namespace {

using directory::Alias;
using directory::Change;

std::vector<mail::Address> targets(const std::vector<std::string>& said, const mail::Domain& domain,
                                   std::string_view option) {
  std::vector<mail::Address> list;
  for (const auto& text : said) {
    auto target = parsed(config::parse_target(text, domain), option);
    if (std::ranges::find(list, target) == list.end()) list.push_back(std::move(target));
  }
  return list;
}

void lay(const DirectoryOptions& options, const mail::Domain& domain, Alias& alias) {
  if (options.state) alias.state = parsed(directory::parse_state_of(*options.state, false), "--state");
  if (!options.to.empty()) alias.targets = targets(options.to, domain, "TARGET");
  for (auto& target : targets(options.add, domain, "--add"))
    if (std::ranges::find(alias.targets, target) == alias.targets.end())
      alias.targets.push_back(std::move(target));
  for (const auto& target : targets(options.remove, domain, "--remove"))
    if (std::erase_if(alias.targets, [&](const auto& one) {
          return directory::canonical(one) == directory::canonical(target);
        }) == 0)
      throw Stop{kRefused, "the alias does not lead to " + target.to_string()};
  if (alias.targets.empty())
    throw Stop{kRefused, "then it would lead to nobody; postrider alias remove ends it"};
  if (alias.targets.size() > directory::kMostTargets)
    throw Stop{kRefused,
               "an alias leads to 1000 addresses at most; a mailing list is the better tool for so many"};
}

const Alias& need_alias(const DirectoryDesk& desk, const mail::Address& address) {
  const auto* alias = directory::find_alias(desk.need(*address.domain()), address.local());
  if (!alias) throw Stop{kRefused, "there is no alias " + address.to_string()};
  return *alias;
}

}  // namespace

int alias_add(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = alias_address(options.name);
  Alias alias;
  alias.name = address.local();
  lay(options, *address.domain(), alias);
  desk.change([&]() -> std::vector<Change> {
    const auto& domain = desk.need(*address.domain());
    if (directory::find_alias(domain, alias.name))
      throw Stop{kRefused,
                 "there is an alias " + address.to_string() + " already; postrider alias set changes it"};
    if (domain.kind == config::DomainKind::relay)
      throw Stop{kRefused, domain.name.ascii() + " is only relayed for: it has no aliases here"};
    return {directory::PutAlias{domain.name, alias}};
  });
  say(options, "added", to_json(address, alias));
  return kDone;
}

int alias_set(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = alias_address(options.name);
  Alias alias;
  desk.change([&]() -> std::vector<Change> {
    alias = need_alias(desk, address);
    lay(options, *address.domain(), alias);
    return {directory::PutAlias{*address.domain(), alias}};
  });
  say(options, "changed", to_json(address, alias));
  return kDone;
}

int alias_list(const DirectoryOptions& options) {
  const DirectoryDesk desk(options.config);
  Table table({"ALIAS", "STATE", "FROM", "TO"});
  for (const auto& [domain, configured] : all_domains(desk, options.domain)) {
    for (const auto& alias : domain.aliases) {
      const auto address = directory::address_of(alias.name, domain.name);
      if (options.json) {
        auto object = to_json(address, alias);
        object["from"] = source(configured);
        print_json(object);
      } else {
        table.add({address.to_string(), std::string(directory::to_string(alias.state)), source(configured),
                   joined(texts(alias.targets))});
      }
    }
  }
  if (!options.json) table.print();
  return kDone;
}

int alias_show(const DirectoryOptions& options) {
  const DirectoryDesk desk(options.config);
  const auto address = alias_address(options.name);
  for (const auto& [domain, configured] : all_domains(desk, address.domain()->ascii())) {
    const auto* alias = directory::find_alias(domain, address.local());
    if (!alias) throw Stop{kRefused, "there is no alias " + address.to_string()};
    auto object = to_json(address, *alias);
    object["from"] = source(configured);
    if (options.json) {
      print_json(object);
      continue;
    }
    std::cout << harmless(address.to_string()) << "\n  from   "
              << "the " << source(configured) << "\n  state  " << directory::to_string(alias->state) << '\n';
    for (const auto& target : texts(alias->targets)) std::cout << "  to     " << harmless(target) << '\n';
  }
  return kDone;
}

int alias_remove(const DirectoryOptions& options) {
  DirectoryDesk desk(options.config);
  const auto address = alias_address(options.name);
  boost::json::object was;
  desk.change(
      [&]() -> std::vector<Change> {
        was = to_json(address, need_alias(desk, address));
        auto changes = detached(desk, address, options.force);
        changes.emplace_back(directory::RemoveAlias{*address.domain(), address.local()});
        return changes;
      },
      options.force);
  say(options, "removed", std::move(was));
  return kDone;
}

}  // namespace postrider::app
