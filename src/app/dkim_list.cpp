// `postrider dkim list`
#include <iostream>
#include <optional>

#include "app/dkim_tools.hpp"
#include "app/queue_print.hpp"
#include "sys/clock.hpp"

namespace postrider::app {
namespace {

std::string algorithm_text(const KnownKey& key) {
  if (!key.key) return "damaged";
  const auto name = std::string(wire::dkim::to_string(key.key->type()));
  return key.key->type() == wire::dkim::KeyType::rsa ? name + '-' + std::to_string(key.key->bits()) : name;
}

void print(const std::vector<KnownKey>& keys, const std::vector<InDns>& dns) {
  const auto now = sys::system_clock().utc();
  Table table({"DOMAIN", "SELECTOR", "KEY", "STATE", "SINCE", "AGE", "DNS"});
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& key = keys[i];
    table.add({key.domain.ascii(), key.listed.selector, algorithm_text(key),
               std::string(to_string(key.listed.state)), day_text(key.listed.since),
               span_text(std::max(now - key.listed.made, base::Milliseconds(0))),
               dns.empty() ? "not asked" : dns[i].words});
  }
  table.print();
}

}  // namespace

int dkim_list(const DkimOptions& options) {
  const auto config = load_config(options.config);
  std::error_code error;
  std::optional<AsOwner> owner;
  if (std::filesystem::exists(config->data_dir, error)) owner.emplace(taken(AsOwner::of(config->data_dir)));
  const directory::DkimFolder folder(config->data_dir);
  const auto domains = options.domain.empty() ? taken(folder.domains())
                                              : std::vector<mail::Domain>{domain_name(options.domain)};
  std::vector<KnownKey> keys;
  bool good = true;
  for (const auto& domain : domains) {
    try {
      for (auto& key : known_keys(folder, domain)) keys.push_back(std::move(key));
    } catch (const Stop& stop) {  // one damaged list hides no other
      std::cerr << "postrider dkim list: " << harmless(stop.why) << '\n';
      good = false;
    }
  }
  for (const auto& key : keys) {
    if (key.key) continue;
    std::cerr << "postrider dkim list: " << key.domain.ascii() << ' ' << key.listed.selector << ": "
              << harmless(key.key.error().log_text()) << '\n';
    good = false;
  }
  if (keys.empty() && good)
    throw Stop{kRefused, options.domain.empty() ? "there are no keys; postrider dkim add makes some"
                                                : "no keys of " + domains.front().ascii()};
  std::vector<InDns> dns;
  if (!options.no_dns && !keys.empty()) dns = DkimDns(*config).ask(keys);
  if (options.json)
    for (std::size_t i = 0; i < keys.size(); ++i)
      print_json(to_json(keys[i], dns.empty() ? nullptr : &dns[i]));
  else
    print(keys, dns);
  if (options.records && !options.json) print_records(keys);
  return good ? kDone : kRefused;
}

}  // namespace postrider::app
