#include <set>

#include "base/ascii.hpp"
#include "config/sections.hpp"

namespace postrider::config {
namespace {

constexpr std::size_t kMaxTargets = 1000;  // of one message; the directory's bound too

using Seen = std::map<std::string, Position>;

void add_names(Section& section, std::string_view key, Seen& seen, std::vector<std::string>& names) {
  for (const Text& value : section.texts(key)) {
    const auto name = key == "users" ? parse_user(value.text) : parse_local(value.text);
    if (!name) {
      section.report().add(value.at, name.error());
      continue;
    }
    if (seen.emplace(*name, value.at).second)
      names.push_back(*name);
    else
      section.report().add(value.at, "\"" + *name + "\" stands here twice",
                           "take one out; case makes no difference");
  }
}

void read_aliases(Section& section, Seen& seen, Domain& domain, Places& places) {
  const std::set<std::string> users(domain.users.begin(), domain.users.end());
  for (const Entry* entry : section.entries("aliases")) {
    const auto name = parse_local(entry->key);
    if (!name) {
      section.report().add(entry->at, name.error());
      continue;
    }
    const auto [first, fresh] = seen.emplace(*name, entry->at);
    if (!fresh)
      section.report().add(entry->at,
                           "\"" + *name + "\" is " + (users.contains(*name) ? "a user" : "an alias") +
                               " already, in line " + std::to_string(first->second.line),
                           "a name is one user or one alias; case makes no difference");
    std::vector<mail::Address> targets;
    for (const Text& value : section.texts_of(*entry)) {
      auto target = parse_target(value.text, domain.name);
      if (target)
        targets.push_back(*std::move(target));
      else
        section.report().add(value.at, target.error());
    }
    if (targets.size() > kMaxTargets)
      section.report().add(entry->value.at, "the alias \"" + *name + "\" leads to more than 1000 addresses",
                           "a mailing list is the better tool for so many");
    if (targets.empty() && (entry->value.kind == Value::Kind::list && entry->value.list.empty()))
      section.report().add(entry->value.at, "the alias \"" + *name + "\" leads to nobody",
                           "give it at least one address");
    if (fresh) domain.aliases.emplace(*name, std::move(targets));
    places.aliases.emplace(*name + '@' + domain.name.ascii(), entry->at);
  }
}

void check_kind(Section& section, const Domain& domain) {
  const auto refuse = [&](std::string_view key, std::string_view what, std::string_view mend) {
    if (section.has(key)) section.report().add(section.at(key), what, mend);
  };
  if (domain.kind == DomainKind::local)
    return refuse("recipients", "a local domain has no recipients list",
                  "list mailboxes in users, or kind = \"relay\"");
  constexpr std::string_view kMend = "list who exists in recipients, or use kind = \"local\"";
  refuse("users", "a domain that is only relayed for has no users here", kMend);
  refuse("aliases", "a domain that is only relayed for has no aliases here", kMend);
  refuse("catch_all", "a domain that is only relayed for has no catch_all", kMend);
}

}  // namespace

Places read_domains(const Value& root, Config& config, Report& report) {
  Places places;
  Seen names;
  for (const Value* table : tables_of(root, "domain", report)) {
    Section section(*table, "domain[].", report);
    // Its other faults are told too, under a name that no one can have.
    Domain domain(*mail::Domain::parse("invalid"));
    const bool named = section.require("name") && section.read("name", domain.name, parse_domain);
    section.read("kind", domain.kind);
    section.read("separator", domain.separator, parse_separator);
    Seen locals;
    add_names(section, "users", locals, domain.users);
    read_aliases(section, locals, domain, places);
    const auto target = [&](std::string_view text) { return parse_target(text, domain.name); };
    if (section.read("catch_all", domain.catch_all, target))
      places.catch_alls.emplace(domain.name.ascii(), section.at("catch_all"));
    if (section.has("recipients")) {
      Seen seen;
      add_names(section, "recipients", seen, domain.recipients.emplace());
    }
    check_kind(section, domain);
    if (!named) continue;
    const auto [first, fresh] = names.emplace(domain.name.ascii(), section.at("name"));
    if (fresh)
      config.domains.push_back(std::move(domain));
    else
      report.add(section.at("name"),
                 "a second domain \"" + domain.name.ascii() + "\"; the first is in line " +
                     std::to_string(first->second.line),
                 "put all of it into one [[domain]]");
  }
  return places;
}

}  // namespace postrider::config
