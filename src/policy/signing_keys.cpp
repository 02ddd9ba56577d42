#include "policy/signing_keys.hpp"

#include <algorithm>

namespace postrider::policy {
namespace {

const wire::dkim::SigningKey* with(const SigningKeys::Keys& keys, std::string_view selector) {
  const auto found = std::ranges::find(keys, selector, &wire::dkim::SigningKey::selector);
  return found == keys.end() ? nullptr : &*found;
}

base::Result<wire::dkim::SigningKey> read_key(const directory::DkimFolder& folder, const mail::Domain& domain,
                                              const std::string& selector) {
  const auto pem = folder.key(domain, selector);
  if (!pem) return std::unexpected(pem.error());
  auto key = wire::dkim::PrivateKey::from_pem(*pem);
  if (!key)
    return base::permanent({5, 7, 5}, key.error().text,
                           folder.file_of(domain, selector).string() + ": " + key.error().text);
  return wire::dkim::SigningKey{domain, selector, *std::move(key)};
}

}  // namespace

SigningKeys::Entry SigningKeys::read(const directory::DkimFolder& folder, const mail::Domain& domain,
                                     const Entry* before, std::vector<std::string>& faults) {
  Entry entry{.state = folder.state(domain), .keys = {}};  // before it is read: a later change is seen
  const auto fault = [&](const base::Failure& why) {
    faults.push_back(why.log_text());
    entry.state.clear();
  };
  const auto list = folder.list(domain);
  if (!list) {
    fault(list.error());
    if (before) entry.keys = before->keys;
    return entry;
  }
  for (const auto& each : *list) {
    if (each.state != directory::DkimState::signing) continue;
    auto key = read_key(folder, domain, each.selector);
    if (key) {
      entry.keys.push_back(*std::move(key));
      continue;
    }
    fault(key.error());
    if (const auto* kept = before ? with(before->keys, each.selector) : nullptr) entry.keys.push_back(*kept);
  }
  return entry;
}

const SigningKeys::Entry* SigningKeys::find(const mail::Domain& domain) const {
  const auto found = domains_.find(domain.ascii());
  return found == domains_.end() ? nullptr : &found->second;
}

SigningKeys::Loaded SigningKeys::load(const directory::DkimFolder& folder, const SigningKeys& before,
                                      Read what) {
  Loaded loaded;
  const auto domains = folder.domains();
  if (!domains) {
    loaded.keys = before;
    loaded.faults.push_back(domains.error().log_text());
    return loaded;
  }
  for (const auto& domain : *domains) {
    const auto* known = before.find(domain);
    const bool same = known && what == Read::changed && known->state == folder.state(domain);
    Entry entry = same ? *known : read(folder, domain, known, loaded.faults);
    loaded.keys.size_ += entry.keys.size();
    loaded.keys.domains_.emplace(domain.ascii(), std::move(entry));
  }
  return loaded;
}

bool SigningKeys::is_like(const SigningKeys& other) const { return names() == other.names(); }

std::vector<std::string> SigningKeys::names() const {
  std::vector<std::string> all;
  all.reserve(size_);
  for (const auto& [domain, entry] : domains_)
    for (const auto& key : entry.keys) all.push_back(key.selector + "._domainkey." + domain);
  return all;
}

const SigningKeys::Keys* SigningKeys::of(const mail::Domain& domain) const {
  for (std::string_view name = domain.ascii();;) {
    const auto found = domains_.find(name);
    if (found != domains_.end() && !found->second.keys.empty()) return &found->second.keys;
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return nullptr;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace postrider::policy
