#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/ascii.hpp"
#include "config/sections.hpp"

namespace postrider::config {
namespace {

constexpr int kMaxDepth = 10;  // aliases in a row; the directory's bound too

// Names are "local@domain", lower case, in A-labels.
class TargetCheck {
 public:
  TargetCheck(const Config& config, const Places& places, Report& report)
      : config_(config), places_(places), report_(report) {
    for (const Domain& domain : config.domains) index(domain);
  }

  void run() {
    for (const Domain& domain : config_.domains) {
      for (const auto& [local, targets] : domain.aliases) {
        const std::string name = local + '@' + domain.name.ascii();
        for (const mail::Address& target : targets)
          if (!exists(target)) unknown(places_.aliases.at(name), "the alias \"" + name + '"', target);
      }
      if (domain.catch_all && (leads_to_itself(domain) || !exists(*domain.catch_all)))
        unknown(places_.catch_alls.at(domain.name.ascii()), "the catch_all of " + domain.name.ascii(),
                *domain.catch_all);
    }
    if (config_.postmaster && !exists(*config_.postmaster))
      unknown(places_.postmaster, "postmaster", *config_.postmaster);
    find_circles();
  }

 private:
  struct Node {
    std::vector<std::string> next;  // names in edges_ that it leads to
    std::size_t open = 0;           // of them, not yet measured
    int depth = 1;                  // aliases in a row from here on
    std::vector<std::string> from;
  };

  void index(const Domain& domain) {
    const std::string at = '@' + domain.name.ascii();
    for (const auto& user : domain.users) known_.insert(user + at);
    for (const auto& recipient : domain.recipients.value_or(std::vector<std::string>()))
      known_.insert(recipient + at);
    for (const auto& [local, targets] : domain.aliases) known_.insert(local + at);
    // RFC 5321 4.5.1: it exists in every domain of ours.
    for (const std::string_view local : {"postmaster", "abuse"}) known_.insert(std::string(local) + at);
  }

  // The user or alias that an address of ours is, without its detail.
  std::optional<std::string> known_name(const mail::Address& address) const {
    if (!address.domain()) return {};
    const Domain* domain = config_.find_domain(*address.domain());
    if (!domain) return {};
    const std::string local = base::lower(address.local());
    const std::string at = '@' + domain->name.ascii();
    if (known_.contains(local + at)) return local + at;
    if (domain->separator.empty()) return {};
    for (auto cut = local.rfind(domain->separator); cut != std::string::npos && cut > 0;
         cut = local.rfind(domain->separator, cut - 1))
      if (const auto name = local.substr(0, cut) + at; known_.contains(name)) return name;
    return {};
  }

  bool exists(const mail::Address& address) const {
    if (known_name(address) || !address.domain()) return true;
    const Domain* domain = config_.find_domain(*address.domain());
    if (!domain) return true;
    return domain->kind == DomainKind::relay ? !domain->recipients : domain->catch_all.has_value();
  }

  // Only the catch-all itself would find the address that it names.
  bool leads_to_itself(const Domain& domain) const {
    const mail::Domain* target = domain.catch_all->domain();
    return target && *target == domain.name && !known_name(*domain.catch_all);
  }

  void unknown(Position at, const std::string& who, const mail::Address& target) {
    report_.add(at, who + " leads to " + target.to_string() + ", and nobody has that name here",
                "add the user, or correct the address");
  }

  // What expands to others: aliases, catch-alls, and postmaster and abuse where a setting takes them.
  void add_edge(const std::string& from, const mail::Address& to) {
    auto name = known_name(to);
    if (!name && to.domain()) {
      const Domain* domain = config_.find_domain(*to.domain());
      if (domain && domain->catch_all) name = '@' + domain->name.ascii();
    }
    if (name) edges_[from].next.push_back(*name);
  }

  void build_edges() {
    const auto setting = config_.postmaster ? known_name(*config_.postmaster) : std::nullopt;
    for (const Domain& domain : config_.domains) {
      const std::string at = '@' + domain.name.ascii();
      for (const auto& [local, targets] : domain.aliases)
        for (const mail::Address& target : targets) add_edge(local + at, target);
      if (domain.catch_all && !leads_to_itself(domain)) add_edge(at, *domain.catch_all);
      if (!config_.postmaster || domain.kind == DomainKind::relay) continue;
      for (const std::string& name : {"postmaster" + at, "abuse" + at}) {
        if (name == setting) continue;  // it is the mailbox itself, then
        edges_[name].next.clear();
        add_edge(name, *config_.postmaster);
      }
    }
    for (auto& [name, node] : edges_) {
      std::erase_if(node.next, [&](const std::string& next) { return !edges_.contains(next); });
      node.open = node.next.size();
    }
    for (auto& [name, node] : edges_)
      for (const std::string& next : node.next) edges_.at(next).from.push_back(name);
  }

  // Takes away what leads nowhere further, again and again; what is left leads into a circle. No recursion, as
  // the file decides how deep it would go.
  void find_circles() {
    build_edges();
    std::vector<std::string> ends;
    for (const auto& [name, node] : edges_)
      if (node.open == 0) ends.push_back(name);
    while (!ends.empty()) {
      const std::string name = std::move(ends.back());
      ends.pop_back();
      const Node& node = edges_.at(name);
      if (node.depth == kMaxDepth + 1)
        report_.add(place(name), "the alias \"" + name + "\" is followed by more than 9 others in a row",
                    "let some of them lead to the end at once");
      for (const std::string& from : node.from) {
        Node& before = edges_.at(from);
        before.depth = std::max(before.depth, node.depth + 1);
        if (--before.open == 0) ends.push_back(from);
      }
    }
    std::unordered_set<std::string> seen;
    for (const auto& [name, node] : edges_)
      if (node.open > 0) walk_circle(name, seen);
  }

  void walk_circle(std::string name, std::unordered_set<std::string>& seen) {
    std::vector<std::string> way;
    while (seen.insert(name).second) {
      way.push_back(name);
      const auto& next = edges_.at(name).next;
      name = *std::ranges::find_if(next, [&](const std::string& one) { return edges_.at(one).open > 0; });
    }
    const auto begin = std::ranges::find(way, name);
    if (begin == way.end()) return;  // it ran into a circle that has been told
    std::string words;
    constexpr std::ptrdiff_t kShown = 5;
    for (auto one = begin; one != way.end() && one - begin < kShown; ++one) words += *one + " -> ";
    report_.add(place(name),
                "aliases lead in a circle: " + words + (way.end() - begin > kShown ? "... -> " : "") + name,
                "take one of these targets out");
  }

  Position place(const std::string& name) const {
    if (const auto alias = places_.aliases.find(name); alias != places_.aliases.end()) return alias->second;
    const auto catch_all = places_.catch_alls.find(name.substr(name.find('@') + 1));
    return name.starts_with('@') && catch_all != places_.catch_alls.end() ? catch_all->second
                                                                          : places_.postmaster;
  }

  const Config& config_;
  const Places& places_;
  Report& report_;
  std::unordered_set<std::string> known_;
  std::map<std::string, Node> edges_;
};

}  // namespace

void check_targets(const Config& config, const Places& places, Report& report) {
  TargetCheck(config, places, report).run();
}

}  // namespace postrider::config
