#include "deliver/hosts.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "deliver/hosts_choice.hpp"
#include "deliver/hosts_lookup.hpp"
#include "deliver/lru.hpp"

namespace postrider::deliver {
namespace {

using Done = std::move_only_function<void(FoundHosts)>;

constexpr std::size_t kKept = 10000;
constexpr std::size_t kWaiters = 100000;  // over all targets
constexpr std::chrono::seconds kLongest = std::chrono::minutes(5);
constexpr std::chrono::seconds kShortest{1};  // a record for once only still serves those who ask at once
constexpr std::chrono::seconds kFailure{10};
constexpr std::chrono::seconds kNobodyAsked = std::chrono::days(1);

std::chrono::seconds keep_for(const HostFacts& facts) {
  return facts.is_failure() ? kFailure : std::clamp(facts.ttl, kShortest, kLongest);
}

HostFacts facts_of(const base::IpAddress& address) {
  Exchange exchange;
  (address.is_v4() ? exchange.v4 : exchange.v6).push_back(address);
  return {.kind = FactsKind::hosts, .exchanges = {std::move(exchange)}, .trouble = {}, .ttl = kNobodyAsked};
}

// The host that is asked for without MX records; nothing: by MX.
std::optional<std::string> host_of(const config::Via& via) {
  if (const auto* smtp = std::get_if<config::ViaSmtp>(&via)) return plain_host(smtp->host);
  if (const auto* lmtp = std::get_if<config::ViaLmtp>(&via)) return plain_host(lmtp->host);
  return {};
}

}  // namespace

std::string NextHop::to_string() const {
  if (!socket.empty()) return socket;
  return name + '[' + address.to_string() + "]:" + std::to_string(port);
}

bool Hosts::have(const NextHop& hop) const {
  const auto same = [&](const NextHop& one) {
    return one.address == hop.address && one.port == hop.port && one.socket == hop.socket;
  };
  return std::ranges::any_of(hops, same) || std::ranges::any_of(others, same);
}

class HostFinder::Inside : public std::enable_shared_from_this<Inside> {
 public:
  explicit Inside(Parts parts)
      : parts_(std::move(parts)), lookup_(std::make_shared<HostLookup>(parts_.resolver, parts_.clock)) {}

  void find(const queue::Destination& destination, Done done) {
    const config::Via& via = destination.route->via;
    const auto* lmtp = std::get_if<config::ViaLmtp>(&via);
    const auto host = host_of(via);
    const auto* literal = std::get_if<base::IpAddress>(&destination.host);
    if (lmtp != nullptr && !lmtp->path.empty()) {
      done(by_socket(destination, lmtp->path));
    } else if (const auto address = host ? base::IpAddress::parse(*host) : std::nullopt) {
      done(choose(destination, facts_of(*address)));
    } else if (host) {
      by_dns(destination, {*host, false, {}}, std::move(done));
    } else if (literal != nullptr) {
      done(choose(destination, facts_of(*literal)));
    } else {
      const std::string& domain = std::get<mail::Domain>(destination.host).ascii();
      by_dns(destination, {domain, true, parts_.config()->hostname.ascii()}, std::move(done));
    }
  }

  void close() {
    lookup_->close();
    std::unordered_map<std::string, Waiters> open;
    {
      std::unique_lock alive(life_);
      std::lock_guard lock(mutex_);
      closed_ = true;
      open.swap(open_);
    }
    const mail::Outcome stopping{.action = mail::Action::deferred,
                                 .reply = mail::reply(451, 3, 2, "shutting down"),
                                 .relay = {},
                                 .detail = {},
                                 .at = {}};
    for (auto& [key, waiters] : open)
      for (Waiter& waiter : waiters) waiter.done(std::unexpected(stopping));
  }

 private:
  struct Waiter {
    queue::Destination destination;
    Done done;
  };
  struct Kept {
    std::shared_ptr<const HostFacts> facts;
    base::SteadyTime until;
  };
  using Waiters = std::vector<Waiter>;

  FoundHosts choose(const queue::Destination& destination, const HostFacts& facts) {
    const auto config = parts_.config();
    const OwnEndpoints own = parts_.own.with(config->listeners);
    FoundHosts found = choose_hosts(facts, {destination, *config, own, parts_.reachable}, parts_.random);
    if (!found) found.error().at = parts_.clock.utc();
    return found;
  }

  FoundHosts by_socket(const queue::Destination& destination, const std::string& path) {
    Hosts found{.site = site_of(destination, *parts_.config(), "lmtp:" + path),
                .hops = {},
                .others = {},
                .ttl = kNobodyAsked};
    found.hops.push_back({.address = {}, .port = 0, .name = {}, .preference = 0, .socket = path});
    return found;
  }

  void by_dns(const queue::Destination& destination, HostTarget target, Done done) {
    const std::string key = target.key();
    std::shared_ptr<const HostFacts> known;
    {
      std::lock_guard lock(mutex_);
      if (const Kept* kept = kept_.find(key); kept != nullptr && parts_.clock.steady() < kept->until) {
        known = kept->facts;
      } else if (waiting_ == kWaiters) {
        known = busy_;
      } else {
        ++waiting_;
        Waiters& waiters = open_[key];
        waiters.push_back({destination, std::move(done)});
        if (waiters.size() > 1) return;
      }
    }
    if (known) return done(choose(destination, *known));
    lookup_->look_up(std::move(target), [self = shared_from_this(), key](HostFacts facts) {
      self->answer(key, std::move(facts));
    });
  }

  void answer(const std::string& key, HostFacts found) {
    Waiters waiters;
    std::vector<FoundHosts> answers;
    {
      // close() waits for this, as it is the last moment at which the parts are there for sure.
      std::shared_lock alive(life_);
      if (closed_) return;
      const auto facts = std::make_shared<const HostFacts>(std::move(found));
      {
        std::lock_guard lock(mutex_);
        kept_.put(key, {facts, parts_.clock.steady() + keep_for(*facts)});
        waiters = std::move(open_.extract(key).mapped());
        waiting_ -= waiters.size();
      }
      for (const Waiter& waiter : waiters) answers.push_back(choose(waiter.destination, *facts));
    }
    for (std::size_t i = 0; i < waiters.size(); ++i) waiters[i].done(std::move(answers[i]));
  }

  const Parts parts_;
  const std::shared_ptr<HostLookup> lookup_;
  const std::shared_ptr<const HostFacts> busy_ = std::make_shared<const HostFacts>(
      HostFacts{.kind = FactsKind::trouble, .exchanges = {}, .trouble = "too many questions", .ttl = {}});
  std::shared_mutex life_;
  bool closed_ = false;  // by life_
  std::mutex mutex_;
  Lru<Kept> kept_{kKept};
  std::unordered_map<std::string, Waiters> open_;
  std::size_t waiting_ = 0;
};

HostFinder::HostFinder(Parts parts) : inside_(std::make_shared<Inside>(std::move(parts))) {}
HostFinder::~HostFinder() { close(); }

void HostFinder::close() { inside_->close(); }

void HostFinder::find(const queue::Destination& destination, Done done) {
  inside_->find(destination, std::move(done));
}

}  // namespace postrider::deliver
