// What has to be so when an attempt begins, and when something is written.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "queue/failure.hpp"
#include "queue/testing/simulation_ledger.hpp"

namespace postrider::queue::testing {
namespace {

using namespace std::chrono_literals;
using mail::Action;
using mail::RecipientState;

// Between a decision and its record, where the disk takes it at once.
constexpr Moment kSlack{5'000};

// A due time that lies further ahead than a retry's, and some, was written by a clock that was wrong.
constexpr Moment kFurthest = 7h;
// So long may a site be down.
constexpr Moment kPulledForward = 60h;

// Until it is noticed that a destination has moved away from a site that is dead, behind which it waits with others.
constexpr Moment kMoved = 1h;

constexpr std::uint8_t bit(Change change) { return static_cast<std::uint8_t>(1 << static_cast<int>(change)); }
bool is_success(Action action) {
  return action == Action::delivered || action == Action::relayed || action == Action::expanded;
}
bool is_code(const mail::Outcome& outcome, std::uint16_t subject, std::uint16_t detail) {
  return outcome.reply.enhanced && outcome.reply.enhanced->subject == subject &&
         outcome.reply.enhanced->detail == detail;
}
// That another sender may have while one with so much waits for its own.
std::size_t turns_for(std::uint64_t octets) {
  return Ledger::kTurns * (3 + std::min<std::size_t>(octets, 1 << 20) / (32 << 10));
}
bool wants_failure(const mail::Envelope& envelope, const mail::Notify& notify) {
  return !envelope.reverse_path.is_null() && (!notify.specified || notify.failure);
}
bool wants_success(const mail::Envelope& envelope, const mail::Notify& notify, const mail::Outcome& outcome) {
  if (envelope.reverse_path.is_null() || notify.never()) return false;
  if (envelope.deliver_by_notify && outcome.action == Action::relayed) return true;
  return notify.success && !(outcome.action == Action::relayed && outcome.dsn_passed_on);
}

}  // namespace

void Ledger::check_limits(const Job& job, std::size_t number) {
  SiteWatch& site = sites_[number];
  const SimulatedSite& limits = world_.sites[number];
  // One that nothing was for is forgotten after a quarter of an hour, and begins anew.
  if (site.running == 0 && now() - site.answered > 14min)
    site.surely_allowed = std::min(site.surely_allowed, 5u);
  if (++site.running > limits.concurrency)
    fault(fmt::format("{}: {} jobs at a time for {}", job.id.to_string(), site.running, limits.name));
  if (site.running >= std::min(site.surely_allowed, limits.concurrency)) site.full = now();
  if (limits.max_per_minute == 0) return;
  site.begun.push_back(now());
  while (site.begun.front() + 1min <= now()) site.begun.pop_front();
  // What a second allows, or one, may come at once.
  const std::size_t burst = std::max(1u, limits.max_per_minute / 60);
  if (site.begun.size() > limits.max_per_minute + burst)
    fault(fmt::format("{}: {} jobs within a minute for {}, which takes {}", job.id.to_string(),
                      site.begun.size(), limits.name, limits.max_per_minute));
}

void Ledger::check_begin(store::RecipientId id, Fate& fate, const Message& message) {
  if (fate.end != End::open || fate.untold_end != End::open)
    return fault(id, "an attempt of what has its end");
  if (fate.running) fault(id, "two attempts at a time");
  if (fate.decided) fault(id, "an attempt before its outcome is written");
  if (fate.carried && !fate.may_repeat) fault(id, "carried already, and no crash between");
  const auto standing = backlog_.standing(id);
  if (!standing) return fault(id, "an attempt of what is gone");
  if (standing->state != RecipientState::waiting) fault(id, "an attempt of what does not wait");
  if (!standing->owned) fault(id, "an attempt without a claim");
  if (is_held_until(*message.envelope, clock_.utc()) && !any_jump_)
    fault(id, "an attempt before its release");
  if (is_too_late(*message.envelope, clock_.utc() - kSlack) && jumped_ + kSlack < now())
    fault(id, "an attempt of what is late");
  for (const Suspended& one : suspensions_) {
    if (one.to > now() && matches(one.what, fate, *message.envelope) &&
        (!one.what.until || clock_.utc() < *one.what.until))
      fault(id, fmt::format("an attempt while it is suspended by {}: kind {} '{}'", one.what.id,
                            static_cast<int>(one.what.what), one.what.pattern));
  }
  const bool asked = fate.asked & (bit(Change::retry) | bit(Change::release));
  // What was due when the clock was set back is tried, now or when its site can be asked; far back, all that waits is.
  const bool other_clock = shifted_back_ >= fate.written || now() < shifted_back_ + kSlack ||
                           now() < jumped_back_ + kPulledForward;
  if (clock_.utc() < standing->due && !asked && !other_clock)
    fault(id, fmt::format("an attempt before it is due at {}", base::to_rfc3339(standing->due)));
  if (clock_.utc() >= standing->due) check_wait(id, fate, message, standing->due);
}

Moment Ledger::suspended_until(const Fate& fate, const mail::Envelope& envelope) const {
  Moment until = Moment::min();
  for (const Suspended& one : suspensions_) {
    if (!matches(one.what, fate, envelope)) continue;
    Moment end = one.to;
    if (one.what.until) {
      // The clock may have jumped since; who waits longer than that does so for the jump.
      end = std::min(end, now() + (*one.what.until - clock_.utc()));
    }
    until = std::max(until, std::min(end, now()));
  }
  return until;
}

// What is written now may have been decided before the clock was set then: the disk took it only now.
bool Ledger::may_be_of_before(Moment set) const {
  return set != Moment::min() && std::max(set, spool_failed_) + kSlack >= now();
}

// Of the sender that had most, since then.
std::size_t Ledger::most_turns(std::uint16_t destination, Moment since) const {
  std::unordered_map<std::uint64_t, std::size_t> turns;
  std::size_t most = 0;
  for (const Begun& one : begun_[destination])
    if (one.at > since) most = std::max(most, ++turns[one.flow]);
  return most;
}

void Ledger::check_wait(store::RecipientId id, const Fate& fate, const Message& message, base::UtcTime due) {
  Moment due_at = now() - (clock_.utc() - due);
  const Moment suspended = suspended_until(fate, *message.envelope);
  // Written by a clock that was ahead of this one: no retry is further away than this, once it is looked for.
  if (jumped_back_ > fate.written)
    due_at = std::min(due_at, std::max({jumped_back_, suspended, spool_failed_}) + kFurthest);
  Moment since = std::max({due_at, fate.written, started_, shifted_});
  if (world_.destinations[fate.destination].moves <= now())
    since = std::max(since, world_.destinations[fate.destination].moves + kMoved);
  const SimulatedSite& site = world_.sites[site_of(fate)];
  const SiteWatch& watch = sites_[site_of(fate)];
  if (site.max_per_minute > 0 || spool_fails_) return;
  if (now() - since <= std::min(kFairness, longest_unfair_)) return;
  const LocateWatch& locate = located_[fate.destination];
  since = std::max(since, spool_failed_ + 5s);
  since = std::max(since, suspended);
  if (locate.failed != Moment::min()) since = std::max(since, locate.failed + kPatience);
  const bool is_well = site.slowest <= 1000 && watch.failed_end == Moment::min();
  const bool first = fate.process == process_ && fate.written == fate.received && !fate.touched;
  if (is_well && first && message.envelope->priority >= 0 && message.small && fate.alone &&
      window_full_ < fate.received && since <= fate.received) {
    const Moment waited = now() - since;
    const std::size_t most = waited > kFairness ? most_turns(fate.destination, since) : 0;
    const bool is_fair = waited <= kFairness || most <= turns_for(message.envelope->size);
    longest_unfair_ = std::max(longest_unfair_, is_fair ? std::min(waited, kFairness) : waited);
    if (!is_fair)
      fault(id,
            fmt::format("stood {} s behind another's mail, who had {} turns", waited.count() / 1000, most));
  }
  since = std::max(since, watch.full);
  if (watch.failed_end != Moment::min())
    since = std::max(
        since, std::min(watch.failed_end + kGivenUp,
                        watch.recovered < Moment::max() ? watch.recovered + kRecovered : Moment::max()));
  longest_wait_ = std::max(longest_wait_, now() - since);
  if (now() - since > kPatience) fault(id, fmt::format("starved for {} s", (now() - since).count() / 1000));
}

void Ledger::check_expiry(store::RecipientId id, const Fate& fate, const mail::Envelope& envelope) {
  if (is_too_late(envelope, clock_.utc())) return;
  ++expired_;
  const base::UtcTime expires = expires_at(envelope, settings_);
  const bool settled = !may_be_of_before(jumped_);
  if (clock_.utc() < expires && settled) fault(id, "expired too early, for " + base::to_rfc3339(expires));
  const Moment since = std::max(started_, settled ? jumped_ : Moment::min());
  // Where it has moved, that may not have been noticed yet.
  const Moment tried = std::max({fate.began, sites_[site_of(fate)].failed_begin,
                                 sites_[world_.destinations[fate.destination].site].failed_begin,
                                 located_[fate.destination].asked});
  if (tried < since && spool_failed_ < since && !spool_fails_)
    fault(id, "expired without an attempt since the last start or jump");
  const mail::Notify& notify = envelope.recipients[id.index].notify;
  if (!any_jump_ && !fate.warned && !fate.touched && !envelope.reverse_path.is_null() &&
      (!notify.specified || notify.delay))
    fault(id, "expired without a warning before");
}

void Ledger::check_waiting(const store::RecipientUpdate& update, Fate& fate, const Message& message) {
  const bool asked = fate.asked & (bit(Change::retry) | bit(Change::release));
  const auto standing = backlog_.standing(update.id);
  if (!update.attempted) {
    if (update.due == standing->due) return;  // its sender was warned meanwhile
    // For a sender that is suspended, or behind a site that can't be asked where others go on, be it an earlier one.
    bool may = asked || world_.destinations[fate.destination].moves <= now() ||
               sites_[site_of(fate)].failed_end != Moment::min();
    for (const Suspended& one : suspensions_) may |= matches(one.what, fate, *message.envelope);
    may |= message.envelope->hold_until.has_value();
    // Its due time is of a clock that was ahead.
    const auto furthest = std::chrono::duration_cast<Moment>(settings_.retry.max * 1.1) + 2h;
    may |= any_jump_ && standing->due + kSlack > clock_.utc() + furthest;
    if (!may) fault(update.id, "put off without an attempt");
    return;
  }
  const LocateWatch& locate = located_[fate.destination];
  const bool not_located = !fate.decided && locate.outcome == Action::deferred &&
                           (locate.failed + 2min > now() || locate.failed >= fate.written);
  if (!not_located && !(fate.decided && fate.answer == Action::deferred))
    return fault(update.id, "put off, and nobody said so: " +
                                (update.outcome ? update.outcome->reply.text : std::string()));
  const auto wait = std::min(static_cast<double>(settings_.retry.first.count()) *
                                 std::pow(settings_.retry.factor, standing->attempts),
                             static_cast<double>(settings_.retry.max.count()));
  if (asked || may_be_of_before(shifted_)) return;
  // What could not be located may have been decided some time ago, where the disk was full meanwhile.
  const bool long_ago = !fate.decided && spool_failed_ >= fate.written;
  const base::UtcTime from = long_ago ? base::UtcTime{} : fate.decided ? fate.answered : clock_.utc() - 2min;
  const base::UtcTime expires = expires_at(*message.envelope, settings_);
  if (update.due == message.envelope->deliver_by) return;
  if (update.due < from + Moment(static_cast<std::int64_t>(wait * 0.9)) - 1s && update.due != expires)
    fault(update.id, "to be tried again too early");
  if (update.due > clock_.utc() + Moment(static_cast<std::int64_t>(wait * 1.1)) + 1s)
    fault(update.id, "to be tried again too late");
}

// Of what goes nothing is kept, so that it is told from what is known of it.
End Ledger::end_without_words(const store::RecipientUpdate& update, Fate& fate, const Message& message) {
  const mail::Envelope& envelope = *message.envelope;
  const mail::Notify& notify = envelope.recipients[update.id.index].notify;
  const SimulatedDestination& to = world_.destinations[fate.destination];
  mail::Outcome outcome;
  outcome.action = fate.answer;
  outcome.dsn_passed_on = fate.dsn_passed_on;
  if (fate.decided && is_success(fate.answer)) {
    if (wants_success(envelope, notify, outcome)) fault(update.id, "its sender is not told of success");
    return fate.answer == Action::relayed ? End::relayed : End::delivered;
  }
  const bool told = wants_failure(envelope, notify);
  if (fate.decided && fate.answer == Action::failed && !told) return End::failed_nobody_to_tell;
  if (fate.asked & bit(Change::remove)) return End::removed;
  if (to.discards) return End::discarded;
  if (told) {
    fault(update.id, "gone, and nobody said so");
  } else if (!(fate.asked & bit(Change::bounce)) && !to.no_such_domain) {
    check_expiry(update.id, fate, envelope);
  }
  return End::failed_nobody_to_tell;
}

// What has its end by this.
End Ledger::end_of(const store::RecipientUpdate& update, Fate& fate, const Message& message) {
  const mail::Envelope& envelope = *message.envelope;
  const mail::Notify& notify = envelope.recipients[update.id.index].notify;
  if (!update.outcome) return end_without_words(update, fate, message);
  const mail::Outcome& outcome = *update.outcome;
  const SimulatedDestination& to = world_.destinations[fate.destination];
  if (is_success(outcome.action)) {
    if (!fate.decided || fate.answer != outcome.action) fault(update.id, "a success that no courier told of");
    if (update.state.has_value() != wants_success(envelope, notify, outcome))
      fault(update.id,
            update.state ? "its sender does not want to know" : "its sender is not told of success");
    return outcome.action == Action::relayed ? End::relayed : End::delivered;
  }
  if (outcome.action == Action::discarded) {
    if (!to.discards || update.state) fault(update.id, "discarded, and no rule says so");
    return End::discarded;
  }
  if (outcome.action != Action::failed)
    fault(update.id, "ended with " + std::string(to_string(outcome.action)));
  if (is_code(outcome, 4, 7)) {
    check_expiry(update.id, fate, envelope);
  } else if (is_code(outcome, 7, 0)) {
    if (!(fate.asked & bit(Change::bounce))) fault(update.id, "bounced, and nobody said so");
  } else if (fate.decided ? fate.answer != Action::failed : !to.no_such_domain) {
    fault(update.id, "a failure that no courier told of: " + outcome.reply.text);
  }
  const bool told = wants_failure(envelope, notify);
  if (update.state.has_value() != told)
    fault(update.id, told ? "its sender is not told" : "its sender does not want to know of the failure");
  return told ? End::failed_told : End::failed_nobody_to_tell;
}

void Ledger::check_end(const store::RecipientUpdate& update, Fate& fate, const Message& message) {
  const End end = end_of(update, fate, message);
  if (update.state) {
    fate.untold_end = end;
  } else {
    close(fate, messages_.find(update.id.message)->second, end);
  }
}

void Ledger::written(const store::RecipientUpdate& update, bool applies) {
  hash(static_cast<std::uint64_t>(update.due.time_since_epoch().count()));
  hash(static_cast<std::uint64_t>(update.id.message.value) + update.id.index +
       (update.state ? static_cast<std::uint64_t>(*update.state) : 0));
  Message* message = nullptr;
  Fate* const fate = find(update.id, &message);
  if (!fate) return;
  tell(update.id, "written",
       fmt::format("state {} due {} attempted {} {}", update.state ? static_cast<int>(*update.state) : 0,
                   base::to_rfc3339(update.due), update.attempted,
                   update.outcome ? update.outcome->reply.text : ""));
  if (!applies) {
    if (fate->decided) fault(update.id, "an outcome of what has its end");
    return;
  }
  if (fate->running) fault(update.id, "written of while it is under attempt");
  if (update.state == RecipientState::held) {
    const bool by_route = world_.destinations[fate->destination].holds.to > Moment(0);
    if (!by_route && !(fate->asked & bit(Change::hold))) fault(update.id, "held, and nobody said so");
  } else if (update.state == RecipientState::waiting) {
    check_waiting(update, *fate, *message);
  } else {
    check_end(update, *fate, *message);
  }
  if (fate->decided && !update.state && fate->carried) fate->may_repeat = false;
  fate->decided = false;
  // What was asked for while an outcome was on its way to the disk comes behind it.
  if (++fate->written_since >= 2) fate->asked = 0;
  fate->written = now();
}

}  // namespace postrider::queue::testing
