#include "deliver/hosts_lookup.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "deliver/hosts.hpp"

namespace postrider::deliver {
namespace {

namespace dns = sys::dns;

// By preference; of equal ones by name, so that the best of many are the same for each who asks.
std::vector<Exchange> exchanges_of(std::vector<dns::Mx> records) {
  std::ranges::sort(records);
  std::vector<Exchange> exchanges;
  for (dns::Mx& mx : records) {
    if (std::ranges::count(exchanges, mx.exchange, &Exchange::name) != 0) continue;
    exchanges.push_back({std::move(mx.exchange), mx.preference, {}, {}, {}});
  }
  return exchanges;
}

}  // namespace

bool HostFacts::is_failure() const {
  if (kind == FactsKind::no_domain || kind == FactsKind::trouble) return true;
  return kind == FactsKind::hosts && std::ranges::any_of(exchanges, [](const Exchange& exchange) {
           return !exchange.trouble.empty() || (exchange.v4.empty() && exchange.v6.empty());
         });
}

std::string HostTarget::key() const { return (exchanges ? "mx " : "host ") + name + ' ' + hostname; }

// One target. Kept alive by the callbacks that wait for the DNS.
class HostLookup::Search : public std::enable_shared_from_this<Search> {
 public:
  Search(std::shared_ptr<HostLookup> lookup, HostTarget target, std::move_only_function<void(HostFacts)> done)
      : lookup_(std::move(lookup)),
        target_(std::move(target)),
        deadline_(lookup_->clock_.steady() + kWithin),
        done_(std::move(done)) {}

  void begin() {
    if (!target_.exchanges) return by_host();
    lookup_->ask<dns::Mx>(&sys::Resolver::mx, target_.name, deadline_,
                          [self = shared_from_this()](dns::Result<dns::Mx> result) {
                            self->take_exchanges(std::move(result));
                          });
  }

 private:
  void end(FactsKind kind, std::string trouble = {}) {
    facts_.kind = kind;
    facts_.trouble = std::move(trouble);
    done_(std::move(facts_));
  }

  void by_host() {
    facts_.exchanges.push_back({target_.name, 0, {}, {}, {}});
    ask_addresses();
  }

  void take_exchanges(dns::Result<dns::Mx> result) {
    if (!result) {
      const dns::Failure& failure = result.error();
      if (failure.error == dns::Error::nxdomain) return end(FactsKind::no_domain);
      if (failure.error != dns::Error::nodata)
        return end(FactsKind::trouble, std::string(to_string(failure.error)));
      // Without MX records the domain itself is the host. RFC 5321 5.1
      return target_.name == target_.hostname ? end(FactsKind::self) : by_host();
    }
    note_ttl(result->ttl);
    std::erase_if(result->records, [](const dns::Mx& mx) { return mx.exchange == "."; });
    // Nothing but the null MX. RFC 7505 3
    if (result->records.empty()) return end(FactsKind::null_mx);
    facts_.exchanges = exchanges_of(std::move(result->records));
    // Who stands in the list himself asks only those who are preferred to him. RFC 5321 5.1
    const auto own = std::ranges::find(facts_.exchanges, target_.hostname, &Exchange::name);
    if (own != facts_.exchanges.end()) {
      const std::uint32_t limit = own->preference;
      std::erase_if(facts_.exchanges, [&](const Exchange& exchange) { return exchange.preference >= limit; });
    }
    if (facts_.exchanges.empty()) return end(FactsKind::self);
    ask_addresses();
  }

  void ask_addresses() {
    if (facts_.exchanges.size() > kMostExchanges) facts_.exchanges.resize(kMostExchanges);
    open_ = facts_.exchanges.size() * 2;
    answers_.resize(open_);
    const auto names = names_of(facts_.exchanges);
    for (std::size_t i = 0; i < names.size(); ++i) {
      ask_addresses(&sys::Resolver::a, names[i], i * 2);
      ask_addresses(&sys::Resolver::aaaa, names[i], i * 2 + 1);
    }
  }

  // The last answer may come, and move the facts away, before the last question's call returns.
  static std::vector<std::string> names_of(const std::vector<Exchange>& exchanges) {
    std::vector<std::string> names;
    for (const Exchange& exchange : exchanges) names.push_back(exchange.name);
    return names;
  }

  void ask_addresses(Ask<base::IpAddress> what, const std::string& name, std::size_t place) {
    lookup_->ask<base::IpAddress>(what, name, deadline_,
                                  [self = shared_from_this(), place](dns::Result<base::IpAddress> result) {
                                    self->answers_[place] = std::move(result);
                                    if (--self->open_ == 0) self->gather();
                                  });
  }

  void gather() {
    for (std::size_t i = 0; i < facts_.exchanges.size(); ++i) {
      Exchange& exchange = facts_.exchanges[i];
      exchange.v4 = addresses(*answers_[i * 2], exchange.trouble);
      exchange.v6 = addresses(*answers_[i * 2 + 1], exchange.trouble);
    }
    end(FactsKind::hosts);
  }

  std::vector<base::IpAddress> addresses(dns::Result<base::IpAddress>& result, std::string& trouble) {
    if (result) {
      note_ttl(result->ttl);
      return std::move(result->records);
    }
    const dns::Error error = result.error().error;
    if (error != dns::Error::nxdomain && error != dns::Error::nodata) trouble = to_string(error);
    return {};
  }

  void note_ttl(std::chrono::seconds ttl) {
    facts_.ttl = answered_ ? std::min(facts_.ttl, ttl) : ttl;
    answered_ = true;
  }

  const std::shared_ptr<HostLookup> lookup_;
  const HostTarget target_;
  const base::SteadyTime deadline_;
  std::move_only_function<void(HostFacts)> done_;
  HostFacts facts_;
  bool answered_ = false;
  std::vector<std::optional<dns::Result<base::IpAddress>>> answers_;
  std::atomic<std::size_t> open_ = 0;
};

void HostLookup::look_up(HostTarget target, std::move_only_function<void(HostFacts)> done) {
  std::make_shared<Search>(shared_from_this(), std::move(target), std::move(done))->begin();
}

template <class T>
void HostLookup::ask(Ask<T> what, std::string name, base::SteadyTime deadline, dns::Done<T> done) {
  enqueue(deadline, [this, self = shared_from_this(), what, name = std::move(name),
                     done = std::move(done)](base::Milliseconds within) mutable {
    if (within <= base::Milliseconds(0)) {
      end_turn();
      return done(std::unexpected(dns::Failure{dns::Error::timeout, false, "waited too long for its turn"}));
    }
    (resolver_.*what)(std::move(name), within, [self, done = std::move(done)](dns::Result<T> result) mutable {
      self->end_turn();
      done(std::move(result));
    });
  });
}

void HostLookup::enqueue(base::SteadyTime deadline, Start start) {
  {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    if (waiting_.size() < kWaiting) {
      waiting_.push_back({deadline, std::move(start)});
    } else {
      ++open_;
      lock.unlock();
      start(base::Milliseconds(0));
      return;
    }
  }
  start_waiting();
}

void HostLookup::close() {
  std::deque<Waiting> forgotten;
  std::lock_guard lock(mutex_);
  closed_ = true;
  forgotten.swap(waiting_);
}

void HostLookup::end_turn() {
  {
    std::lock_guard lock(mutex_);
    --open_;
  }
  start_waiting();
}

// One thread at a time, and never within itself: an answer that is there at once would start the next question
// deeper and deeper.
void HostLookup::start_waiting() {
  std::unique_lock lock(mutex_);
  if (std::exchange(starting_, true)) return;
  while (!waiting_.empty() && open_ < kQuestions) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    ++open_;
    lock.unlock();
    const auto left = std::chrono::duration_cast<base::Milliseconds>(next.deadline - clock_.steady());
    next.start(std::max(left, base::Milliseconds(0)));
    lock.lock();
  }
  starting_ = false;
}

}  // namespace postrider::deliver
