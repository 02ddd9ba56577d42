// What the DNS says of the hosts of a domain.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "sys/clock.hpp"
#include "sys/resolver.hpp"

namespace postrider::deliver {

struct Exchange {
  std::string name;
  std::uint32_t preference = 0;
  std::vector<base::IpAddress> v4, v6;
  std::string trouble;  // of the DNS, where an address may be missing for it
};

enum class FactsKind : std::uint8_t {
  hosts,
  no_domain,  // it does not exist
  null_mx,    // RFC 7505 3
  self,       // none is preferred to this server
  trouble,    // of the DNS
};

struct HostFacts {
  FactsKind kind = FactsKind::hosts;
  std::vector<Exchange> exchanges;  // the best, by preference; at least one where kind is hosts
  std::string trouble;
  std::chrono::seconds ttl{0};  // the least of all answers; 0 where there was none
  bool is_failure() const;      // no address, or not all of them
};

// A host, or all hosts of a domain.
struct HostTarget {
  std::string name;      // A-labels
  bool exchanges;        // ask for MX records
  std::string hostname;  // this server's, as an MX record may have it
  std::string key() const;
};

// Asks the DNS, with at most kQuestions open: more than the resolver takes would be answered with servfail. Those that
// wait longer than their time are answered with timeout when a turn comes. Any thread.
class HostLookup : public std::enable_shared_from_this<HostLookup> {
 public:
  static constexpr std::size_t kQuestions = 400;
  static constexpr std::size_t kWaiting = 20000;  // the next one gets timeout at once
  static constexpr base::Milliseconds kWithin = std::chrono::seconds(30);  // for all of one target

  // Both outlive it.
  HostLookup(sys::Resolver& resolver, sys::Clock& clock) : resolver_(resolver), clock_(clock) {}

  // `done` once, before this returns or on the resolver's thread.
  void look_up(HostTarget target, std::move_only_function<void(HostFacts)> done);
  // From now on nothing is asked, the clock is not looked at, and who waits is forgotten without an answer.
  void close();

 private:
  class Search;
  using Start = std::move_only_function<void(base::Milliseconds within)>;
  struct Waiting {
    base::SteadyTime deadline;
    Start start;  // with 0: too late
  };
  template <class T>
  using Ask = void (sys::Resolver::*)(std::string, base::Milliseconds, sys::dns::Done<T>);

  template <class T>
  void ask(Ask<T> what, std::string name, base::SteadyTime deadline, sys::dns::Done<T> done);
  void enqueue(base::SteadyTime deadline, Start start);
  void end_turn();
  void start_waiting();

  sys::Resolver& resolver_;
  sys::Clock& clock_;
  std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::size_t open_ = 0;
  bool starting_ = false;
  bool closed_ = false;
};

}  // namespace postrider::deliver
