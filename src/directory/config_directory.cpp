#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/ascii.hpp"
#include "directory/directory.hpp"
#include "directory/domain_index.hpp"

namespace postrider::directory {
namespace {

constexpr std::string_view kPostmaster = "postmaster";
constexpr std::size_t kMaxDepth = 10;      // aliases in a row
constexpr std::size_t kMaxTargets = 1000;  // of one address

// Requires a local part and a domain of the configuration, which keeps both short enough.
mail::Address make(std::string_view local, const mail::Domain& domain) {
  return *mail::Address::make(local, domain);
}

// Where an address leads by one step.
struct Step {
  enum class Kind : std::uint8_t { mailbox, elsewhere, alias, nobody };
  Kind kind = Kind::nobody;
  std::vector<mail::Address> next;     // of an alias
  std::optional<mail::Address> alias;  // its own name
};

class ConfigDirectory final : public Directory {
 public:
  explicit ConfigDirectory(std::shared_ptr<const config::Config> config) : config_(std::move(config)) {
    for (const config::Domain& domain : config_->domains) domains_.emplace(domain.name, DomainIndex(domain));
    for (const config::Listener& listener : config_->listeners) literals_.push_back(listener.address);
  }

  base::Result<Resolution> resolve(const mail::Address& address) const override;
  base::Result<Resolution> postmaster() const override;
  std::optional<Mailbox> mailbox(const mail::Address& address) const override;

 private:
  friend class Expansion;
  const DomainIndex* find(const mail::Domain* domain) const {
    const auto found = domain ? domains_.find(*domain) : domains_.end();
    return found == domains_.end() ? nullptr : &found->second;
  }
  const DomainIndex* find_local(const mail::Domain* domain) const {
    const DomainIndex* index = find(domain);
    return index && index->domain().kind == config::DomainKind::local ? index : nullptr;
  }
  // postmaster@ our host name or a literal that we listen on, where no domain of the file is meant.
  bool is_host_postmaster(const mail::Address& address) const;
  bool is_setting(const DomainIndex& index, std::string_view role) const;
  Step step(const mail::Address& address) const;
  Resolution resolve_relay(const DomainIndex& index, const mail::Address& address) const;

  std::shared_ptr<const config::Config> config_;
  std::unordered_map<mail::Domain, DomainIndex> domains_;
  std::vector<base::IpAddress> literals_;
};

// Follows one address to its ends, in the order of the lists.
class Expansion {
 public:
  explicit Expansion(const ConfigDirectory& directory) : directory_(directory) {}

  base::Result<Resolution> run(const mail::Address& start, std::optional<mail::Address> alias = {}) {
    waiting_.push_back({start, std::move(alias), 0});
    while (!waiting_.empty()) {
      Waiting one = std::move(waiting_.back());
      waiting_.pop_back();
      if (!seen_.insert(key(one.address)).second) continue;
      Step step = directory_.step(one.address);
      if (step.kind == Step::Kind::nobody) {
        if (one.depth == 0) return Resolution{Standing::unknown, {}};
        return base::temporary({4, 3, 5}, "mailing list or alias is being repaired",
                               "an alias leads to " + one.address.to_string() + ", who is not there");
      }
      if (auto taken = take(std::move(one), std::move(step)); !taken) return std::unexpected(taken.error());
    }
    if (targets_.empty()) return base::permanent({5, 4, 6}, "aliases lead in a circle");
    return Resolution{Standing::local, std::move(targets_)};
  }

 private:
  struct Waiting {
    mail::Address address;
    std::optional<mail::Address> alias;
    std::size_t depth = 0;
  };

  // Case makes no difference in our own names only. RFC 5321 2.4
  std::string key(const mail::Address& address) const {
    const bool ours = directory_.find_local(address.domain()) != nullptr;
    return (ours ? base::lower(address.local()) : address.local()) + '@' + mail::to_ascii(address.host());
  }

  base::Result<void> take(Waiting one, Step step) {
    if (step.kind != Step::Kind::alias) {
      if (targets_.size() == kMaxTargets) return too_many();
      targets_.push_back({std::move(one.address), std::move(one.alias), step.kind == Step::Kind::mailbox});
      return {};
    }
    if (one.depth == kMaxDepth) return base::permanent({5, 4, 6}, "more than 10 aliases in a row");
    if (waiting_.size() + step.next.size() > kMaxDepth * kMaxTargets) return too_many();
    for (auto next = step.next.rbegin(); next != step.next.rend(); ++next)
      waiting_.push_back({std::move(*next), step.alias, one.depth + 1});
    return {};
  }

  static std::unexpected<base::Failure> too_many() {
    return base::permanent({5, 5, 3}, "an alias with more than 1000 recipients");
  }

  const ConfigDirectory& directory_;
  std::vector<Waiting> waiting_;
  std::unordered_set<std::string> seen_;
  std::vector<Target> targets_;
};

bool ConfigDirectory::is_host_postmaster(const mail::Address& address) const {
  if (!base::iequals(address.local(), kPostmaster)) return false;
  if (const auto* literal = std::get_if<base::IpAddress>(&address.host()))
    return std::ranges::find(literals_, *literal) != literals_.end();
  return *address.domain() == config_->hostname && !find(address.domain());
}

bool ConfigDirectory::is_setting(const DomainIndex& index, std::string_view role) const {
  const auto& setting = *config_->postmaster;
  return setting.domain() && *setting.domain() == index.domain().name && index.role(setting.local()) == role;
}

Step ConfigDirectory::step(const mail::Address& address) const {
  const DomainIndex* index = find_local(address.domain());
  if (!index) return {is_host_postmaster(address) ? Step::Kind::mailbox : Step::Kind::elsewhere, {}, {}};
  const config::Domain& domain = index->domain();
  const auto role = index->role(address.local());
  // Where the setting is such an address itself, it leads no further.
  if (!role.empty() && config_->postmaster && !is_setting(*index, role))
    return {Step::Kind::alias, {*config_->postmaster}, make(role, domain.name)};
  const auto found = index->find(address.local());
  if (found.user) return {Step::Kind::mailbox, {}, {}};
  if (found.alias) return {Step::Kind::alias, *found.alias->targets, make(found.alias->name, domain.name)};
  if (!role.empty()) return {Step::Kind::mailbox, {}, {}};
  if (domain.catch_all) return {Step::Kind::alias, {*domain.catch_all}, address};
  return {};
}

Resolution ConfigDirectory::resolve_relay(const DomainIndex& index, const mail::Address& address) const {
  const Target itself{address, {}, false};
  if (!index.domain().recipients) return {Standing::ask, {itself}};
  // The next hop has a postmaster, whether the list says so or not. RFC 5321 4.5.1
  const bool listed = index.find(address.local()).recipient || !index.role(address.local()).empty();
  return listed ? Resolution{Standing::relay, {itself}} : Resolution{Standing::unknown, {}};
}

base::Result<Resolution> ConfigDirectory::resolve(const mail::Address& address) const {
  if (is_host_postmaster(address)) return postmaster();
  const DomainIndex* index = find(address.domain());
  if (!index) return Resolution{Standing::foreign, {{address, {}, false}}};
  if (index->domain().kind == config::DomainKind::relay) return resolve_relay(*index, address);
  return Expansion(*this).run(address);
}

base::Result<Resolution> ConfigDirectory::postmaster() const {
  const mail::Address ours = make(kPostmaster, config_->hostname);
  std::string_view name = config_->hostname.ascii();
  for (;;) {
    const auto parent = mail::Domain::parse(name);
    if (parent && find_local(&*parent)) return Expansion(*this).run(make(kPostmaster, *parent));
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  if (config_->postmaster) return Expansion(*this).run(*config_->postmaster, ours);
  const auto first = std::ranges::find(config_->domains, config::DomainKind::local, &config::Domain::kind);
  if (first != config_->domains.end()) return Expansion(*this).run(make(kPostmaster, first->name));
  // A host that only relays has a postmaster too. RFC 5321 4.5.1
  return Resolution{Standing::local, {{ours, {}, true}}};
}

std::optional<Mailbox> ConfigDirectory::mailbox(const mail::Address& address) const {
  const auto quota = config_->mailbox_quota;
  const DomainIndex* index = find_local(address.domain());
  if (!index) {
    if (!address.domain() || !is_host_postmaster(address)) return {};
    return Mailbox{*address.domain(), std::string(kPostmaster), {}, quota};
  }
  const mail::Domain& domain = index->domain().name;
  if (const auto found = index->find(address.local()); found.user)
    return Mailbox{domain, std::string(found.user->name), found.user->detail, quota};
  const auto role = index->role(address.local());
  if (role.empty()) return {};
  return Mailbox{domain, std::string(role), {}, quota};
}

}  // namespace

std::unique_ptr<Directory> from_config(std::shared_ptr<const config::Config> config) {
  return std::make_unique<ConfigDirectory>(std::move(config));
}

}  // namespace postrider::directory
