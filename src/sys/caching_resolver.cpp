#include "sys/caching_resolver.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/ascii.hpp"
#include "sys/dns_breaker.hpp"

namespace postrider::sys {
namespace {

std::string key_of(char type, std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return type + base::lower(name);
}

std::size_t octets(const base::IpAddress&) { return sizeof(base::IpAddress); }
std::size_t octets(const dns::Mx& record) { return sizeof(dns::Mx) + record.exchange.size(); }
std::size_t octets(const std::string& record) { return sizeof(std::string) + record.size(); }

// How long an answer may be kept; 0: not at all.
template <class T>
std::chrono::seconds good_for(const dns::Result<T>& answer) {
  using namespace std::chrono_literals;
  if (!answer) {
    const bool says_no =
        answer.error().error == dns::Error::nxdomain || answer.error().error == dns::Error::nodata;
    return says_no ? CachingResolver::kNegative : 0s;
  }
  std::size_t size = 0;
  for (const T& record : answer->records) size += octets(record);
  return size > CachingResolver::kMostOctets ? 0s : std::min(answer->ttl, CachingResolver::kLongest);
}

// A server said it.
template <class T>
bool is_said(const dns::Result<T>& answer) {
  return answer ||
         (answer.error().error != dns::Error::servfail && answer.error().error != dns::Error::timeout);
}

std::unexpected<dns::Failure> silence() {
  return std::unexpected(dns::Failure{dns::Error::timeout, false, "no name server answers"});
}

}  // namespace

// Any thread. Nobody is called while the lock is held.
class CachingResolver::Known {
 public:
  explicit Known(const Clock& clock) : clock_(clock) {}

  enum class Found : std::uint8_t { answer, shared, nothing, less_time };
  struct Finding {
    Found found{};
    bool control = false;      // the control question is to be asked, too
    std::uint64_t number = 0;  // of the question that is his to ask
  };
  // `done` is taken where the question is shared, or is his to ask (nothing); `answer` is filled where it is known.
  template <class T>
  Finding find(const std::string& key, base::SteadyTime now, base::Milliseconds within, dns::Done<T>& done,
               std::optional<dns::Result<T>>& answer) {
    std::lock_guard lock(mutex_);
    if (const auto place = places_.find(key); place != places_.end() && place->second->good_until > now) {
      entries_.splice(entries_.begin(), entries_, place->second);
      answer = std::get<dns::Result<T>>(place->second->answer);
      if (*answer) (*answer)->ttl = std::chrono::floor<std::chrono::seconds>(place->second->good_until - now);
      return {Found::answer};
    }
    const auto ruling = breaker_.question(now);
    if (ruling == DnsBreaker::Ruling::fail) {
      answer = silence();
      return {Found::answer};
    }
    const bool control = ruling == DnsBreaker::Ruling::ask_with_control;
    auto [place, is_new] = open<T>().try_emplace(key);
    Open<T>& question = place->second;
    if (is_new) question = {++last_number_, now + within, {}};
    if (question.deadline > now + within) return {Found::less_time, control};
    question.waiting.push_back(std::move(done));
    return {is_new ? Found::nothing : Found::shared, control, question.number};
  }

  struct Asked {
    std::string key;
    std::uint64_t number = 0;
    base::SteadyTime at{};
  };
  template <class T>
  void arrived(const Asked& question, const dns::Result<T>& answer) {
    std::vector<dns::Done<T>> waiting;
    {
      std::lock_guard lock(mutex_);
      breaker_.ended({is_said(answer), question.at, clock_.steady()});
      keep(question.key, answer);
      // Those who waited may have been told already, and others have asked since.
      if (const auto place = open<T>().find(question.key);
          place != open<T>().end() && place->second.number == question.number)
        waiting = std::move(open<T>().extract(place).mapped().waiting);
    }
    for (auto& done : waiting) done(answer);
  }
  // Of a question that is not among those of find().
  void ended(bool answered, base::SteadyTime asked) {
    std::lock_guard lock(mutex_);
    breaker_.ended({answered, asked, clock_.steady()});
  }
  void control_ended(bool answered, base::SteadyTime asked) {
    decltype(open_) in_vain;
    {
      std::lock_guard lock(mutex_);
      if (!breaker_.control_ended({answered, asked, clock_.steady()})) return;
      in_vain = std::exchange(open_, {});
    }
    const auto tell = [](auto& questions) {
      for (auto& [key, question] : questions)
        for (auto& done : question.waiting) done(silence());
    };
    std::apply([&](auto&... of_a_type) { (tell(of_a_type), ...); }, in_vain);
  }

 private:
  struct Entry {
    std::string key;
    std::variant<dns::Result<base::IpAddress>, dns::Result<dns::Mx>, dns::Result<std::string>> answer;
    base::SteadyTime good_until{};
  };
  using Entries = std::list<Entry>;  // the last used first
  template <class T>
  struct Open {
    std::uint64_t number = 0;
    base::SteadyTime deadline{};
    std::vector<dns::Done<T>> waiting;
  };
  template <class T>
  using AllOpen = std::map<std::string, Open<T>>;  // bounded by what is asked below

  template <class T>
  void keep(const std::string& key, const dns::Result<T>& answer) {
    const auto time = good_for(answer);
    if (const auto old = places_.find(key); old != places_.end()) {
      entries_.erase(old->second);
      places_.erase(old);
    }
    if (time.count() == 0) return;
    if (entries_.size() >= kAnswers) {
      places_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({key, answer, clock_.steady() + time});
    places_[key] = entries_.begin();
  }
  template <class T>
  AllOpen<T>& open() {
    return std::get<AllOpen<T>>(open_);
  }

  const Clock& clock_;
  std::mutex mutex_;
  DnsBreaker breaker_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> places_;
  std::uint64_t last_number_ = 0;
  std::tuple<AllOpen<base::IpAddress>, AllOpen<dns::Mx>, AllOpen<std::string>> open_;
};

CachingResolver::CachingResolver(Resolver& below, const Clock& clock, std::string own_name)
    : below_(below), clock_(clock), own_name_(std::move(own_name)), known_(std::make_shared<Known>(clock)) {}

template <class T, class Ask>
void CachingResolver::find(const std::string& key, base::Milliseconds within, dns::Done<T> done, Ask ask) {
  const auto now = clock_.steady();
  std::optional<dns::Result<T>> answer;
  const auto finding = known_->find(key, now, within, done, answer);
  if (finding.control) ask_control(now);
  switch (finding.found) {
    case Known::Found::answer:
      return done(*std::move(answer));
    case Known::Found::shared:
      return;
    case Known::Found::nothing:
      return ask([known = known_, question = Known::Asked{key, finding.number, now}](dns::Result<T> told) {
        known->arrived(question, told);
      });
    case Known::Found::less_time:
      return ask([known = known_, now, done = std::move(done)](dns::Result<T> told) mutable {
        known->ended(is_said(told), now);
        done(std::move(told));
      });
  }
}

void CachingResolver::ask_control(base::SteadyTime now) {
  // A new name each time, which no cache knows.
  const auto time = std::chrono::duration_cast<base::Milliseconds>(clock_.utc().time_since_epoch());
  below_.a("alive-" + std::to_string(time.count()) + '.' + own_name_, DnsBreaker::kControl,
           [known = known_, now](const dns::Result<base::IpAddress>& told) {
             known->control_ended(is_said(told), now);
           });
}

void CachingResolver::a(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) {
  find<base::IpAddress>(key_of('4', name), within, std::move(done),
                        [&](auto told) { below_.a(std::move(name), within, std::move(told)); });
}
void CachingResolver::aaaa(std::string name, base::Milliseconds within, dns::Done<base::IpAddress> done) {
  find<base::IpAddress>(key_of('6', name), within, std::move(done),
                        [&](auto told) { below_.aaaa(std::move(name), within, std::move(told)); });
}
void CachingResolver::mx(std::string name, base::Milliseconds within, dns::Done<dns::Mx> done) {
  find<dns::Mx>(key_of('m', name), within, std::move(done),
                [&](auto told) { below_.mx(std::move(name), within, std::move(told)); });
}
void CachingResolver::ptr(base::IpAddress address, base::Milliseconds within, dns::Done<std::string> done) {
  find<std::string>(key_of('p', address.to_string()), within, std::move(done),
                    [&](auto told) { below_.ptr(address, within, std::move(told)); });
}
void CachingResolver::txt(std::string name, base::Milliseconds within, dns::Done<std::string> done) {
  find<std::string>(key_of('t', name), within, std::move(done),
                    [&](auto told) { below_.txt(std::move(name), within, std::move(told)); });
}

}  // namespace postrider::sys
