// What the commands of `postrider dkim` have in common: keys as files, and as lines for people.
#include <algorithm>
#include <boost/json/value.hpp>
#include <iostream>

#include "app/dkim_tools.hpp"
#include "app/queue_print.hpp"

namespace postrider::app {
namespace {

using directory::DkimKey;
using wire::dkim::KeyType;

// With ".pem.new" it is the name of a file, of 255 octets at most.
constexpr std::size_t kMostName = 240;

base::Result<wire::dkim::PrivateKey> read_key(const directory::DkimFolder& folder, const mail::Domain& domain,
                                              const std::string& selector) {
  const auto pem = folder.key(domain, selector);
  if (!pem) return std::unexpected(pem.error());
  return wire::dkim::PrivateKey::from_pem(*pem);
}

bool is_free(const directory::DkimFolder& folder, const mail::Domain& domain,
             const std::vector<DkimKey>& keys, const std::string& selector) {
  std::error_code error;
  return std::ranges::find(keys, selector, &DkimKey::selector) == keys.end() &&
         !std::filesystem::exists(folder.file_of(domain, selector), error);
}

// "rsa-202611", the month that it was made in; "rsa-202611-2" where there is one of that name.
std::string new_selector(KeyType type, base::UtcTime now, const auto& free) {
  const std::string month = base::to_rfc3339(now).substr(0, 7).erase(4, 1);
  const std::string name = std::string(to_string(type)) + '-' + month;
  for (int number = 2;; ++number) {
    std::string selector = number == 2 ? name : name + '-' + std::to_string(number - 1);
    if (free(selector)) return selector;
  }
}

std::string chosen_selector(const NewKeys& wanted, KeyType type) {
  if (wanted.types.size() == 1) return wanted.selector;
  return wanted.selector + '-' + std::string(to_string(type));
}

}  // namespace

std::vector<KnownKey> known_keys(const directory::DkimFolder& folder, const mail::Domain& domain) {
  std::vector<KnownKey> keys;
  for (const auto& each : taken(folder.list(domain)))
    keys.push_back({domain, each, read_key(folder, domain, each.selector)});
  return keys;
}

std::vector<KnownKey> make_keys(const directory::DkimFolder& folder, const mail::Domain& domain,
                                const NewKeys& wanted, base::UtcTime now) {
  auto list = taken(folder.list(domain));
  if (list.size() + wanted.types.size() > directory::kMostDkimKeys)
    throw Stop{kRefused, domain.ascii() + " has " + counted(list.size(), "key") +
                             " already; postrider dkim remove takes some out"};
  std::vector<KnownKey> made;
  const auto free = [&](const std::string& name) { return is_free(folder, domain, list, name); };
  for (const KeyType type : wanted.types) {
    const std::string selector =
        wanted.selector.empty() ? new_selector(type, now, free) : chosen_selector(wanted, type);
    if (!free(selector)) throw Stop{kRefused, domain.ascii() + " has a key of the selector " + selector};
    if (record_name(domain, selector).size() > kMostName)
      throw Stop{kUsage, "the name " + record_name(domain, selector) + " is too long"};
    const std::string pem = wire::dkim::make_key(type, wanted.rsa_bits);
    taken(folder.put_key(domain, selector, pem));
    list.push_back({.selector = selector, .state = wanted.state, .made = now, .since = now});
    made.push_back({domain, list.back(), wire::dkim::PrivateKey::from_pem(pem)});
  }
  taken(folder.put_list(domain, list));
  return made;
}

base::Milliseconds kept_for(const config::Config& config) {
  return config.queue.expire + std::chrono::days(2);
}

boost::json::object to_json(const KnownKey& key, const InDns* dns) {
  boost::json::object object{{"domain", key.domain.ascii()},
                             {"selector", key.listed.selector},
                             {"state", to_string(key.listed.state)},
                             {"made", base::to_rfc3339(key.listed.made)},
                             {"since", base::to_rfc3339(key.listed.since)},
                             {"name", record_name(key.domain, key.listed.selector)}};
  if (key.key) {
    object["algorithm"] = to_string(key.key->algorithm());
    object["bits"] = key.key->bits();
    object["value"] = record_text(*key.key);
    object["zone"] = zone_line(record_name(key.domain, key.listed.selector), record_text(*key.key));
  } else {
    object["fault"] = key.key.error().log_text();
  }
  if (dns) {
    object["dns"] = to_string(dns->state);
    object["dns_text"] = dns->words;
  }
  return object;
}

void print_records(const std::vector<KnownKey>& keys) {
  for (const auto& each : keys) {
    if (!each.key) continue;
    const auto name = record_name(each.domain, each.listed.selector);
    const auto text = record_text(*each.key);
    std::cout << "\n  name   " << name << "\n  type   TXT\n  value  " << text
              << "\n  or, as a line of a zone file:\n"
              << zone_line(name, text) << '\n';
  }
  std::cout << '\n';
}

std::string command_line(const DkimOptions& options, std::string_view command, const mail::Domain& domain) {
  std::string line = "postrider dkim " + std::string(command) + ' ' + domain.ascii();
  if (options.config != DkimOptions().config) line += " --config " + options.config.string();
  return line;
}

std::string day_text(base::UtcTime time) { return base::to_rfc3339(time).substr(0, 10); }

}  // namespace postrider::app
