#include <algorithm>
#include <unordered_map>

#include "base/ascii.hpp"
#include "directory/directory.hpp"
#include "directory/expansion.hpp"

namespace postrider::directory {
namespace {

constexpr std::string_view kPostmaster = "postmaster";

class Lookup final : public Directory, public Steps {
 public:
  Lookup(std::shared_ptr<const config::Config> config, std::shared_ptr<const Snapshot> snapshot)
      : config_(std::move(config)), snapshot_(std::move(snapshot)) {
    for (const config::Domain& domain : config_->domains)
      configured_.emplace(domain.name, DomainIndex(directory::from_config(domain)));
    for (const config::Listener& listener : config_->listeners) literals_.push_back(listener.address);
  }

  base::Result<Resolution> resolve(const mail::Address& address) const override;
  base::Result<Resolution> postmaster() const override;
  std::optional<Mailbox> mailbox(const mail::Address& address) const override;
  bool is_local(const mail::Domain& domain) const override { return find_local(&domain) != nullptr; }
  const Account* account(const mail::Address& address) const override;
  SendAs may_send_as(const mail::Address& account, const mail::Address& address) const override;
  std::vector<std::string> addresses_of(const mail::Address& account) const override;

  Step step(const mail::Address& address) const override;
  bool is_ours(const mail::Domain& domain) const override { return is_local(domain); }

 private:
  const DomainIndex* find(const mail::Domain* domain) const;
  const DomainIndex* find_local(const mail::Domain* domain) const {
    const DomainIndex* index = find(domain);
    return index && index->domain().kind == config::DomainKind::local ? index : nullptr;
  }
  const mail::Domain* first_local() const;
  // postmaster@ our host name or a literal that we listen on, where no domain of ours is meant.
  bool is_host_postmaster(const mail::Address& address) const;
  bool is_setting(const DomainIndex& index, std::string_view role) const;
  base::Result<Resolution> resolve_relay(const DomainIndex& index, const mail::Address& address) const;
  bool leads_only_to(const mail::Address& account, const mail::Address& address) const;

  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const Snapshot> snapshot_;  // may be null
  std::unordered_map<mail::Domain, DomainIndex> configured_;
  std::vector<base::IpAddress> literals_;
};

const DomainIndex* Lookup::find(const mail::Domain* domain) const {
  if (!domain) return nullptr;
  if (const auto found = configured_.find(*domain); found != configured_.end()) return &found->second;
  return snapshot_ ? snapshot_->find(*domain) : nullptr;
}

const mail::Domain* Lookup::first_local() const {
  for (const config::Domain& domain : config_->domains)
    if (domain.kind == config::DomainKind::local) return &domain.name;
  if (!snapshot_) return nullptr;
  for (const DomainIndex& index : snapshot_->domains())
    if (index.domain().kind == config::DomainKind::local) return &index.domain().name;
  return nullptr;
}

bool Lookup::is_host_postmaster(const mail::Address& address) const {
  if (!base::iequals(address.local(), kPostmaster)) return false;
  if (const auto* literal = std::get_if<base::IpAddress>(&address.host()))
    return std::ranges::find(literals_, *literal) != literals_.end();
  return *address.domain() == config_->hostname && !find(address.domain());
}

bool Lookup::is_setting(const DomainIndex& index, std::string_view role) const {
  const auto& setting = *config_->postmaster;
  return setting.domain() && *setting.domain() == index.domain().name && index.role(setting.local()) == role;
}

Step Lookup::step(const mail::Address& address) const {
  const DomainIndex* index = find_local(address.domain());
  if (!index) return {is_host_postmaster(address) ? Step::Kind::mailbox : Step::Kind::elsewhere, {}, {}};
  const Domain& domain = index->domain();
  if (domain.state == State::disabled) return {Step::Kind::disabled, {}, {}};
  const auto role = index->role(address.local());
  // Where the setting is such an address itself, it leads no further.
  if (!role.empty() && config_->postmaster && !is_setting(*index, role))
    return {Step::Kind::alias, {*config_->postmaster}, address_of(role, domain.name)};
  const auto found = index->find(address.local());
  const State state = found.account ? found.account->state
                      : found.alias ? found.alias->state
                                    : State::enabled;
  // Nobody can turn off the address at which a domain's keeper is reached. RFC 5321 4.5.1
  if (state == State::disabled && role.empty()) return {Step::Kind::disabled, {}, {}};
  if (found.account) return {Step::Kind::mailbox, {}, {}};
  if (found.alias && state != State::disabled)
    return {Step::Kind::alias, found.alias->targets, address_of(found.alias->name, domain.name)};
  if (!role.empty()) return {Step::Kind::mailbox, {}, {}};
  if (domain.catch_all) return {Step::Kind::alias, {*domain.catch_all}, address};
  return {};
}

base::Result<Resolution> Lookup::resolve_relay(const DomainIndex& index, const mail::Address& address) const {
  const Target itself{address, {}, false};
  // RFC 3463 3.3
  if (index.domain().state == State::disabled)
    return base::permanent({5, 2, 1}, "domain disabled, not accepting messages");
  if (!index.domain().recipients) return Resolution{Standing::ask, {itself}};
  // The next hop has a postmaster, whether the list says so or not. RFC 5321 4.5.1
  const bool listed = index.find(address.local()).recipient || !index.role(address.local()).empty();
  return listed ? Resolution{Standing::relay, {itself}} : Resolution{Standing::unknown, {}};
}

base::Result<Resolution> Lookup::resolve(const mail::Address& address) const {
  if (is_host_postmaster(address)) return postmaster();
  const DomainIndex* index = find(address.domain());
  if (!index) return Resolution{Standing::foreign, {{address, {}, false}}};
  if (index->domain().kind == config::DomainKind::relay) return resolve_relay(*index, address);
  return Expansion(*this).run(address);
}

base::Result<Resolution> Lookup::postmaster() const {
  const mail::Address ours = address_of(kPostmaster, config_->hostname);
  std::string_view name = config_->hostname.ascii();
  for (;;) {
    const auto parent = mail::Domain::parse(name);
    if (parent && find_local(&*parent)) return Expansion(*this).run(address_of(kPostmaster, *parent));
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  if (config_->postmaster) return Expansion(*this).run(*config_->postmaster, ours);
  if (const auto* first = first_local()) return Expansion(*this).run(address_of(kPostmaster, *first));
  // A host that only relays has a postmaster too. RFC 5321 4.5.1
  return Resolution{Standing::local, {{ours, {}, true}}};
}

std::optional<Mailbox> Lookup::mailbox(const mail::Address& address) const {
  const auto quota = config_->mailbox_quota;
  const DomainIndex* index = find_local(address.domain());
  if (!index) {
    if (!address.domain() || !is_host_postmaster(address)) return {};
    return Mailbox{*address.domain(), std::string(kPostmaster), {}, quota};
  }
  const mail::Domain& domain = index->domain().name;
  if (const auto found = index->find(address.local()); found.account)
    return Mailbox{domain, found.account->name, found.detail, found.account->quota.value_or(quota)};
  const auto role = index->role(address.local());
  if (role.empty()) return {};
  return Mailbox{domain, std::string(role), {}, quota};
}

const Account* Lookup::account(const mail::Address& address) const {
  const DomainIndex* index = find_local(address.domain());
  return index ? find_account(index->domain(), base::lower(address.local())) : nullptr;
}

bool Lookup::leads_only_to(const mail::Address& account, const mail::Address& address) const {
  if (!address.domain() || !is_local(*address.domain())) return false;
  const auto resolution = Expansion(*this).run(address);
  if (!resolution || resolution->targets.empty()) return false;
  return std::ranges::all_of(resolution->targets, [&](const Target& target) {
    const auto box = target.mailbox ? mailbox(target.address) : std::nullopt;
    return box && box->domain == *account.domain() && base::iequals(box->user, account.local());
  });
}

SendAs Lookup::may_send_as(const mail::Address& account, const mail::Address& address) const {
  const Account* record = this->account(account);
  if (!record) return SendAs::no;
  if (leads_only_to(account, address)) return SendAs::own;
  const std::string wanted = canonical(address);
  const std::string_view whole_domain = std::string_view(wanted).substr(wanted.rfind('@'));
  const bool listed = std::ranges::any_of(record->send_as, [&](const std::string& allowed) {
    return allowed == wanted || allowed == whole_domain;
  });
  return listed ? SendAs::anothers : SendAs::no;
}

std::vector<std::string> Lookup::addresses_of(const mail::Address& account) const {
  const Account* record = this->account(account);
  if (!record) return {};
  std::vector<std::string> addresses{canonical(account)};
  const auto add_aliases = [&](const DomainIndex& index) {
    for (const Alias& alias : index.domain().aliases) {
      const auto address = address_of(alias.name, index.domain().name);
      if (leads_only_to(account, address)) addresses.push_back(canonical(address));
    }
  };
  for (const config::Domain& domain : config_->domains) add_aliases(*find(&domain.name));
  if (snapshot_)
    for (const DomainIndex& index : snapshot_->domains())
      if (!configured_.contains(index.domain().name)) add_aliases(index);
  addresses.insert(addresses.end(), record->send_as.begin(), record->send_as.end());
  return addresses;
}

}  // namespace

std::unique_ptr<Directory> make_directory(std::shared_ptr<const config::Config> config,
                                          std::shared_ptr<const Snapshot> snapshot) {
  return std::make_unique<Lookup>(std::move(config), std::move(snapshot));
}

std::unique_ptr<Directory> from_config(std::shared_ptr<const config::Config> config) {
  return make_directory(std::move(config), nullptr);
}

}  // namespace postrider::directory
