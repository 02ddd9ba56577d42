// Who watches the simulated queue: what became of each recipient, and whether everything that was done was right.
//
// Told of each thing when it happens; keeps the first faults, with their time. Bounds of waiting are in simulated time
// and stated here.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "queue/courier.hpp"
#include "queue/operator.hpp"
#include "queue/testing/memory_backlog.hpp"
#include "queue/testing/simulation_world.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"

namespace postrider::queue::testing {

// The ends of docs/queue-states.md.
enum class End : std::uint8_t {
  open,
  delivered,
  relayed,
  expanded,
  failed_told,
  failed_nobody_to_tell,
  discarded,
  removed
};
inline constexpr std::size_t kEnds = 8;

class Ledger {
 public:
  // A recipient that is due, whose site has room and has not failed lately, is under attempt within this; counted
  // from the last start, jump of the clock, full disk, or suspension that had to do with it.
  static constexpr base::Milliseconds kPatience{120'000};
  // After a site's last failure every destination behind it is asked again within this. It is asked itself each 10 minutes,
  // with one destination at a time, and they take turns.
  static constexpr base::Milliseconds kGivenUp{28'800'000};
  // And once it has taken something, all that waits for it and is due comes within this, as far as it has room.
  static constexpr base::Milliseconds kRecovered{600'000};
  // The first attempt for a sender who has no other mail for that destination, at a site that is well and answers within
  // a second, however much mail of another's waits there; unless the window is full. Where that many senders wait that
  // their turns alone take longer, no other sender has more of them meanwhile than kTurns.
  static constexpr base::Milliseconds kFairness{60'000};
  // Jobs of another sender for the same destination, for each 32 KiB that one has to send, begun or not.
  static constexpr std::size_t kTurns = 2;

  Ledger(const SimulatedWorld& world, const MemoryBacklog& backlog, const sys::Clock& clock,
         const config::Queue& settings);

  Moment now() const { return std::chrono::floor<Moment>(clock_.steady().time_since_epoch()); }

  // The world's side.
  void received(base::MessageId id, std::shared_ptr<const mail::Envelope> envelope, const Arrival& arrival);
  void process_started();
  // The attempts under way, and the outcomes that were not written, may come again; after a clean stop only the former.
  void process_ended(bool outcomes_may_be_lost);
  void jumped(base::Milliseconds by);
  void spool_fails(bool fails);  // reads or writes, from now on
  void window_is_full() { window_full_ = now(); }

  // The operator's side: what was asked for, before it is.
  void asked(store::RecipientId id, Change change);
  void suspended(store::Suspension suspension);  // is stored
  void resumed(std::uint64_t id);                // was asked for

  // The scheduler's side.
  void begins(const Job& job);
  void answered(const Job& job, const Report& report, bool process_lives);
  void located(std::size_t destination, Moment asked, const Located& located);
  void recorded(bool success);
  void written(const store::RecipientUpdate& update, bool applies);
  void telling(const store::Claimed& untold);
  void tell_failed(base::MessageId id);
  void told(const std::vector<store::RecipientId>& ids);
  void warned(const std::vector<store::RecipientId>& ids);
  void noted(const store::Event& event);
  // When all should be over.
  void finish();

  void fault(std::string what);
  // The life of one message, told on standard output.
  void follow(base::MessageId id) { followed_ = id; }
  void hash(std::uint64_t value) { hash_ = mix(hash_, value); }

  std::uint64_t hash_value() const { return hash_; }
  const std::vector<std::string>& faults() const { return faults_; }
  std::uint64_t fault_count() const { return fault_count_; }
  const std::uint64_t (&ends() const)[kEnds] { return ends_; }
  std::uint64_t attempts() const { return attempts_; }
  std::uint64_t repeated() const { return repeated_; }  // carried once more after a crash
  std::uint64_t warnings() const { return warnings_; }
  std::uint64_t expired() const { return expired_; }
  Moment longest_wait() const { return longest_wait_; }      // that kPatience is about
  Moment longest_unfair() const { return longest_unfair_; }  // that kFairness is about

 private:
  struct Fate {
    bool alone = false;  // its sender had no other open mail for that destination
    End end = End::open;
    End untold_end = End::open;  // what it is to be, once the sender knows
    bool running = false;
    bool decided = false;     // answered, and not written
    bool carried = false;     // somebody has taken it
    bool may_repeat = false;  // what the last process did with it was lost
    bool warned = false;
    bool dsn_passed_on = false;
    bool touched = false;            // by an operator
    std::uint8_t asked = 0;          // changes that an operator wants, a bit each
    std::uint8_t written_since = 0;  // it was asked
    mail::Action answer = mail::Action::deferred;
    std::uint16_t destination = 0;
    std::uint16_t process = 0;  // in which it was received
    Moment received{}, began{Moment::min()}, written{};
    base::UtcTime answered{};
  };
  struct Message {
    std::shared_ptr<const mail::Envelope> envelope;
    std::uint32_t first = 0;  // in fates_
    std::uint32_t open = 0;
    bool telling = false;
    bool small = false;
  };
  struct SiteWatch {
    std::uint32_t running = 0;
    std::uint32_t surely_allowed = 0;
    std::deque<Moment> begun;  // in the last minute
    Moment full{Moment::min()};
    Moment answered{};
    Moment failed_begin{Moment::min()};
    Moment failed_end{Moment::min()};
    Moment recovered{Moment::max()};  // the first that it took since
  };
  struct Begun {
    Moment at{};
    std::uint64_t flow = 0;
  };
  struct LocateWatch {
    Moment asked{Moment::min()};
    Moment failed{Moment::min()};
    std::optional<mail::Action> outcome;
  };
  struct Suspended {
    store::Suspension what;
    Moment from{}, to{Moment::max()};
  };

  Fate* find(store::RecipientId id, Message** message = nullptr);
  std::string name(store::RecipientId id) const;
  std::string when() const;
  void tell(store::RecipientId id, const char* what, const std::string& more = {}) const;
  void fault(store::RecipientId id, const std::string& what);
  std::size_t site_of(const Fate& fate) const;
  static std::uint64_t flow_of(const Fate& fate, const mail::Envelope& envelope);
  bool matches(const store::Suspension& suspension, const Fate& fate, const mail::Envelope& envelope) const;
  void end_suspensions(base::UtcTime time);
  Moment suspended_until(const Fate& fate, const mail::Envelope& envelope) const;
  void check_limits(const Job& job, std::size_t site);
  void check_begin(store::RecipientId id, Fate& fate, const Message& message);
  bool may_be_of_before(Moment set) const;
  std::size_t most_turns(std::uint16_t destination, Moment since) const;
  void check_wait(store::RecipientId id, const Fate& fate, const Message& message, base::UtcTime due);
  void check_end(const store::RecipientUpdate& update, Fate& fate, const Message& message);
  void check_waiting(const store::RecipientUpdate& update, Fate& fate, const Message& message);
  void check_expiry(store::RecipientId id, const Fate& fate, const mail::Envelope& envelope);
  End end_without_words(const store::RecipientUpdate& update, Fate& fate, const Message& message);
  End end_of(const store::RecipientUpdate& update, Fate& fate, const Message& message);
  void close(Fate& fate, Message& message, End end);

  const SimulatedWorld& world_;
  const MemoryBacklog& backlog_;
  const sys::Clock& clock_;
  const config::Queue settings_;
  std::vector<Fate> fates_;
  std::unordered_map<base::MessageId, Message> messages_;
  std::unordered_map<std::uint64_t, std::uint32_t> open_of_sender_;  // at a destination
  std::vector<SiteWatch> sites_;
  std::vector<LocateWatch> located_;
  std::vector<std::deque<Begun>> begun_;  // of each destination, in the last hour
  std::vector<Suspended> suspensions_;
  std::uint16_t process_ = 0;
  bool lives_ = false;
  bool disk_known_full_ = false;
  Moment started_{}, shifted_{Moment::min()}, shifted_back_{Moment::min()}, jumped_{Moment::min()},
      jumped_back_{Moment::min()}, spool_failed_{Moment::min()};
  Moment window_full_{Moment::min()};
  bool spool_fails_ = false;
  bool any_jump_ = false;
  std::uint64_t hash_ = 0;
  base::MessageId followed_;
  std::vector<std::string> faults_;
  std::uint64_t fault_count_ = 0;
  std::uint64_t ends_[kEnds] = {};
  std::uint64_t attempts_ = 0, repeated_ = 0, warnings_ = 0, expired_ = 0;
  Moment longest_wait_{}, longest_unfair_{};
};

}  // namespace postrider::queue::testing
