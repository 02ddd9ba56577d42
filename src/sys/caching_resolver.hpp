// A resolver in front of another one: what is known is answered at once, those who ask the same at the same time share one
// question, and where no server answers anything nobody waits (see DnsBreaker). For askers of many and mostly the same names who
// can do without an answer, as the checks of incoming mail are.
#pragma once

#include <memory>
#include <string>

#include "sys/clock.hpp"
#include "sys/resolver.hpp"

namespace postrider::sys {

// As Resolver; `done` may be called before the call returns. Holds its 10,000 answers that were last used, each of 4 KiB at most, for
// their time to live and 5 minutes at most, and tells what is left of that; that there is none (nxdomain, nodata) for 30 s; no
// trouble. While the breaker is open what is not known is a `timeout` at once.
class CachingResolver final : public Resolver {
 public:
  static constexpr std::size_t kAnswers = 10000;
  static constexpr std::size_t kMostOctets = 4096;
  static constexpr std::chrono::seconds kLongest = std::chrono::minutes(5);
  static constexpr std::chrono::seconds kNegative{30};

  // Both outlive it. What `below` answers later than this is gone still finds who waits for it. `own_name`: a domain of ours, below
  // which control questions ask.
  CachingResolver(Resolver& below, const Clock& clock, std::string own_name);

  void a(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) override;
  void aaaa(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) override;
  void mx(std::string name, base::Milliseconds within, dns::Done<dns::Mx> done) override;
  void ptr(base::IpAddress address, base::Milliseconds within, dns::Done<std::string> done) override;
  void txt(std::string name, base::Milliseconds within, dns::Done<std::string> done) override;
  void check_dnssec(base::Milliseconds within, std::move_only_function<void(dns::DnssecPath)> done) override {
    below_.check_dnssec(within, std::move(done));
  }

 private:
  class Known;
  // ask(done) asks below.
  template <class T, class Ask>
  void find(const std::string& key, base::Milliseconds within, dns::Done<T> done, Ask ask);
  void ask_control(base::SteadyTime now);

  Resolver& below_;
  const Clock& clock_;
  const std::string own_name_;
  const std::shared_ptr<Known> known_;
};

}  // namespace postrider::sys
