// How a site bears what it is given: how many attempts at a time, how many a minute, and when it is given up for a
// while. Pure: who asks says what time it is.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "config/config.hpp"

namespace postrider::queue {

// A new site is met with so many attempts at a time, each that reaches it allows one more; but one that bears more than
// kStrangers of them is no stranger (our own mailboxes), and gets them at once.
inline constexpr std::uint32_t kFirstConcurrency = 5;
inline constexpr std::uint32_t kStrangers = 100;
// Failures in a row, after which it is given up for a while.
inline constexpr std::uint32_t kFailuresToGiveUp = 3;
// However long it has been dead, it is tried so often: its mail may wait behind it without being tried itself.
inline constexpr base::Milliseconds kLongestGivenUp = std::chrono::minutes(10);

class Health {
 public:
  // What an attempt is begun with, and reports with.
  using Ticket = std::uint32_t;

  void set_max(std::uint32_t concurrency);
  std::uint32_t max() const { return max_; }
  std::uint32_t allowed() const { return allowed_ < max_ ? allowed_ : max_; }

  // Whether one more attempt may begin now, with so many under way. After a site was given up and its time has come, one at a
  // time is made until one has reached it.
  bool may_begin(base::SteadyTime now, std::uint32_t running) const;
  Ticket begin(base::SteadyTime now);

  // The site has judged a message: it lives.
  void made();
  // It could not be reached. True: it is given up now, anew or for longer. Failures of attempts that were begun before
  // it was given up do not count.
  bool failed(Ticket ticket, base::SteadyTime now, const config::Retry& retry, double random);
  // The attempt says nothing of the site.
  void nothing(Ticket ticket);

  // Set while it is given up: until its time has come and an attempt has reached it.
  std::optional<base::SteadyTime> given_up_until() const { return until_; }
  bool is_given_up(base::SteadyTime now) const { return until_ && now < *until_; }
  // Its time has come, or an operator says so: one attempt is made.
  void try_again(base::SteadyTime now);
  // It has been reached at the last attempt that said something of it.
  bool is_proven() const { return proven_; }

 private:
  std::uint32_t max_ = 1;
  std::uint32_t allowed_ = kFirstConcurrency;
  std::uint32_t failures_ = 0;  // in a row
  std::uint32_t times_ = 0;     // given up, in a row
  Ticket since_ = 0;            // tickets below it are of before it was given up
  Ticket next_ = 0;
  std::optional<Ticket> probe_;  // the one attempt at a site that is given up
  std::optional<base::SteadyTime> until_;
  bool proven_ = false;
};

// A token bucket of attempts begun in a minute; what a second allows may come at once, and one at least.
class Rate {
 public:
  // 0: no bound.
  void set(std::uint32_t per_minute);
  std::uint32_t per_minute() const { return per_minute_; }
  // When the next may begin: now, or later.
  base::SteadyTime next(base::SteadyTime now) const;
  // Requires next(now) <= now.
  void take(base::SteadyTime now);

 private:
  std::uint32_t per_minute_ = 0;
  base::SteadyTime paid_until_{};  // one attempt moves it on by its share of a minute
};

}  // namespace postrider::queue
