// Slows down who guesses passwords: by account and by the network that a client is in.
//
// The first wrong passwords cost nothing, since people mistype. Each further one makes the next attempt wait twice as long, up to
// 8 s; at the limit nobody is let try any more until `forget` has passed without a failure. Attempts under way count as
// failures, so that many at once are no way around it.
//
// Never locked out: loopback, the networks that the settings list, and who has logged in to that account from that address
// within a day: whatever others do, as long as it does not itself fail as often as the limit says.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "sys/clock.hpp"

namespace postrider::directory {

struct GuessLimits {
  std::uint32_t account = 10;  // failures until an account is locked
  std::uint32_t network = 50;  // until a network is: /24 of IPv4, /48 of IPv6
  base::Milliseconds forget{std::chrono::minutes(15)};
  std::vector<base::Network> trusted;
};

// Any thread. Each of the three tables holds at most kMostEntries; when one is full, what was touched longest ago is forgotten.
class LoginGuard {
 public:
  static constexpr std::size_t kMostEntries = 20'000;
  static constexpr base::Milliseconds kLongestDelay = std::chrono::seconds(8);
  static constexpr std::chrono::hours kKnown{24};

  explicit LoginGuard(sys::Clock& clock) : clock_(clock) {}

  // One attempt to log in. Without a verdict it has not happened. The guard outlives it.
  class Attempt {
   public:
    Attempt(Attempt&& other) noexcept;
    Attempt& operator=(Attempt&&) = delete;
    ~Attempt();
    // To be waited before the password is looked at.
    base::Milliseconds delay() const { return delay_; }
    void succeeded();
    // True: with this failure the account or the network is locked.
    bool failed();

   private:
    friend class LoginGuard;
    Attempt(LoginGuard& guard, GuessLimits limits) : guard_(&guard), limits_(std::move(limits)) {}
    LoginGuard* guard_;  // null: it has had its verdict
    GuessLimits limits_;
    std::string account_, network_, pair_;
    bool counted_ = false;  // in the tables of all; else only the pair counts
    base::Milliseconds delay_{0};
  };
  // `login` as the client says it; whether it exists makes no difference. Nothing: locked, 421.
  std::optional<Attempt> begin(const base::IpAddress& client, std::string_view login,
                               const GuessLimits& limits);

  struct Ban {
    std::string what;  // "alice@example.com", "192.0.2.0/24"
    std::uint32_t failures = 0;
    base::UtcTime until{};  // unless somebody fails again
  };
  // What is locked, at most `most` of each kind.
  std::vector<Ban> bans(std::size_t most) const;
  // Forgets the failures of an account, a network, an address' network; of all where `what` is empty. How many it forgot.
  std::size_t clear(std::string_view what);

 private:
  struct Entry {
    std::string key;
    std::uint32_t failures = 0;
    std::uint32_t pending = 0;
    std::uint32_t limit = 0;                // that the last failure was judged by
    base::Milliseconds forget{};            // the same
    std::optional<base::SteadyTime> since;  // of the last failure; in known_: of the last success
  };
  class Table {
   public:
    Entry& at(const std::string& key);
    Entry* find(const std::string& key);
    void erase(const std::string& key);
    std::size_t clear();
    const std::list<Entry>& entries() const { return entries_; }

   private:
    std::list<Entry> entries_;  // the last touched first
    std::unordered_map<std::string, std::list<Entry>::iterator> places_;
  };
  std::uint32_t count(Table& table, const std::string& key, base::Milliseconds forget) const;
  bool is_known(const std::string& pair, const GuessLimits& limits);
  bool fail(Table& table, const std::string& key, std::uint32_t limit, base::Milliseconds forget);
  void leave(const Attempt& attempt);

  sys::Clock& clock_;
  mutable std::mutex mutex_;
  Table accounts_, networks_;
  Table known_;  // address and account
};

// What `client` is counted by: its /24, its /48.
base::Network network_of(const base::IpAddress& client);

}  // namespace postrider::directory
