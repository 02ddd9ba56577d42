#include "directory/login_guard.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::directory {
namespace {

constexpr std::size_t kMostLogin = 255;
constexpr std::uint32_t kFree = 3;  // failures that cost nothing
constexpr base::Milliseconds kFirstDelay{500};

// Before the attempt that follows `failures`.
base::Milliseconds delay_after(std::uint64_t failures) {
  if (failures < kFree) return base::Milliseconds(0);
  const auto doubled = std::min<std::uint64_t>(failures - kFree, 10);
  return std::min(kFirstDelay * (1 << doubled), LoginGuard::kLongestDelay);
}

}  // namespace

base::Network network_of(const base::IpAddress& client) {
  return base::Network::around(client, client.is_v4() ? 24 : 48);
}

LoginGuard::Entry& LoginGuard::Table::at(const std::string& key) {
  if (auto* known = find(key)) return *known;
  if (entries_.size() >= kMostEntries) {
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.emplace_front().key = key;
  places_.emplace(key, entries_.begin());
  return entries_.front();
}

LoginGuard::Entry* LoginGuard::Table::find(const std::string& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return &entries_.front();
}

void LoginGuard::Table::erase(const std::string& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return;
  entries_.erase(place->second);
  places_.erase(place);
}

std::size_t LoginGuard::Table::clear() {
  const std::size_t count = entries_.size();
  entries_.clear();
  places_.clear();
  return count;
}

std::uint32_t LoginGuard::count(Table& table, const std::string& key, base::Milliseconds forget) const {
  auto* entry = table.find(key);
  if (!entry) return 0;
  if (entry->since && clock_.steady() - *entry->since >= forget) entry->failures = 0;
  return entry->failures + entry->pending;
}

bool LoginGuard::is_known(const std::string& pair, const GuessLimits& limits) {
  const auto* entry = known_.find(pair);
  return entry && entry->since && clock_.steady() - *entry->since < kKnown &&
         entry->failures + entry->pending < limits.account;
}

std::optional<LoginGuard::Attempt> LoginGuard::begin(const base::IpAddress& client, std::string_view login,
                                                     const GuessLimits& limits) {
  Attempt attempt(*this, limits);
  const auto holds = [&](const base::Network& network) { return network.contains(client); };
  if (client.is_loopback() || std::ranges::any_of(limits.trusted, holds)) return attempt;
  attempt.account_ = base::lower(login.substr(0, kMostLogin));
  attempt.network_ = network_of(client).to_string();
  attempt.pair_ = client.to_string() + ' ' + attempt.account_;
  std::lock_guard lock(mutex_);
  if (is_known(attempt.pair_, limits)) {
    ++known_.at(attempt.pair_).pending;
    return attempt;
  }
  // Where nobody is named (a token, a certificate), there is nobody to be locked.
  const std::uint64_t account =
      attempt.account_.empty() ? 0 : count(accounts_, attempt.account_, limits.forget);
  const std::uint64_t network = count(networks_, attempt.network_, limits.forget);
  if (account >= limits.account || network >= limits.network) {
    attempt.guard_ = nullptr;
    return {};
  }
  attempt.delay_ = delay_after(std::max(account, network * limits.account / limits.network));
  attempt.counted_ = true;
  if (!attempt.account_.empty()) ++accounts_.at(attempt.account_).pending;
  ++networks_.at(attempt.network_).pending;
  return attempt;
}

bool LoginGuard::fail(Table& table, const std::string& key, std::uint32_t limit, base::Milliseconds forget) {
  count(table, key, forget);  // what is too old to count is gone
  auto& entry = table.at(key);
  ++entry.failures;
  entry.limit = limit;
  entry.forget = forget;
  entry.since = clock_.steady();
  return entry.failures == limit;
}

// An entry may have been forgotten meanwhile, and begun anew.
void LoginGuard::leave(const Attempt& attempt) {
  const auto give_back = [](Table& table, const std::string& key) {
    auto* entry = table.find(key);
    if (!entry) return;
    if (entry->pending > 0) --entry->pending;
    if (entry->pending == 0 && entry->failures == 0 && !entry->since) table.erase(key);
  };
  if (attempt.counted_) {
    give_back(accounts_, attempt.account_);
    give_back(networks_, attempt.network_);
  } else {
    give_back(known_, attempt.pair_);
  }
}

LoginGuard::Attempt::Attempt(Attempt&& other) noexcept
    : guard_(std::exchange(other.guard_, nullptr)),
      limits_(std::move(other.limits_)),
      account_(std::move(other.account_)),
      network_(std::move(other.network_)),
      pair_(std::move(other.pair_)),
      counted_(other.counted_),
      delay_(other.delay_) {}

LoginGuard::Attempt::~Attempt() {
  if (!guard_) return;
  std::lock_guard lock(guard_->mutex_);
  guard_->leave(*this);
}

void LoginGuard::Attempt::succeeded() {
  auto* guard = std::exchange(guard_, nullptr);
  if (!guard) return;
  std::lock_guard lock(guard->mutex_);
  guard->leave(*this);
  if (pair_.empty()) return;
  // The account's failures stand: they may be somebody else's, who goes on.
  auto& known = guard->known_.at(pair_);
  known.failures = 0;
  known.since = guard->clock_.steady();
}

bool LoginGuard::Attempt::failed() {
  auto* guard = std::exchange(guard_, nullptr);
  if (!guard) return false;
  std::lock_guard lock(guard->mutex_);
  guard->leave(*this);
  if (pair_.empty()) return false;
  if (!counted_) {
    if (auto* known = guard->known_.find(pair_)) ++known->failures;
    return false;
  }
  const bool account =
      !account_.empty() && guard->fail(guard->accounts_, account_, limits_.account, limits_.forget);
  const bool network = guard->fail(guard->networks_, network_, limits_.network, limits_.forget);
  return account || network;
}

std::vector<LoginGuard::Ban> LoginGuard::bans(std::size_t most) const {
  std::vector<Ban> all;
  std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  for (const auto* table : {&accounts_, &networks_}) {
    std::size_t listed = 0;
    for (const auto& entry : table->entries()) {
      if (!entry.since || entry.failures < entry.limit) continue;
      const auto left = std::chrono::ceil<base::Milliseconds>(*entry.since + entry.forget - now);
      if (left.count() <= 0) continue;
      if (++listed > most) break;
      all.push_back({entry.key, entry.failures, clock_.utc() + left});
    }
  }
  return all;
}

std::size_t LoginGuard::clear(std::string_view what) {
  std::lock_guard lock(mutex_);
  if (what.empty()) return accounts_.clear() + networks_.clear();
  const std::string key = base::lower(what);
  const auto address = base::IpAddress::parse(key);
  std::size_t cleared = 0;
  for (const auto& each : {key, address ? network_of(*address).to_string() : key}) {
    for (auto* table : {&accounts_, &networks_}) {
      if (!table->find(each)) continue;
      table->erase(each);
      ++cleared;
    }
  }
  return cleared;
}

}  // namespace postrider::directory
