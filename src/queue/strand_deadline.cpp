// What is to be delivered by a time (DELIVERBY, RFC 2852): when that is over, it comes back, wherever it waits; or its
// sender hears of it. Times are known of what came since the start or was claimed since; a start looks through all that waits
// for what is to come back.
#include <algorithm>
#include <utility>

#include "queue/notice.hpp"
#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

constexpr base::Milliseconds kLease = std::chrono::hours(1);
// Times that are kept in memory, of either kind; about 100 bytes each. What is above that is looked at when it is due.
constexpr std::size_t kDeadlines = 200'000;

// Pages of the look at the start are so far apart that claims have their turn in between.
constexpr base::Milliseconds kBetweenPages = std::chrono::milliseconds(10);

}  // namespace

void Scheduler::Strand::note_deadline(const Carried& from, std::uint32_t index) {
  const mail::Envelope& envelope = *from.envelope;
  if (!envelope.deliver_by) return;
  if (!envelope.deliver_by_notify) {
    if (deadlines_.size() < kDeadlines) deadlines_.insert({*envelope.deliver_by, {from.id, index}});
  } else if (wants_delay_notice(envelope, envelope.recipients[index]) && tell_late_.size() < kDeadlines) {
    tell_late_.insert({*envelope.deliver_by, from.id});
  }
}

// It was recorded: where it waits on, its time stands; else nobody needs it any more.
void Scheduler::Strand::recorded_deadline(const Decided& one) {
  const mail::Envelope& envelope = *one.envelope;
  const bool waits = one.update.state == mail::RecipientState::waiting;
  if (envelope.deliver_by_notify) {
    if (!waits && envelope.recipients.size() == 1)
      tell_late_.erase({*envelope.deliver_by, one.update.id.message});
  } else if (!waits) {
    deadlines_.erase({*envelope.deliver_by, one.update.id});
  } else if (deadlines_.size() < kDeadlines) {
    deadlines_.insert({*envelope.deliver_by, one.update.id});
  }
}

void Scheduler::Strand::meet_deadlines() {
  look_for_deadlines();
  if (!may_start()) return;
  return_late();
  if (now_.steady >= deadlines_after_) tell_late();
}

void Scheduler::Strand::return_late() {
  // A claim could bring a row as it was before an operator's change.
  if (changing_ > 0 || !postponed_.empty()) return;
  const bool can_ask = now_.steady >= deadlines_after_;
  std::vector<Deadline> on_disk;
  for (auto next = deadlines_.begin(); next != deadlines_.end() && next->first <= now_.utc;) {
    const Deadline late = *next;
    const auto here = window_.find(late.second);
    const bool is_here = here != window_.end();
    if (!is_here && (!can_ask || on_disk.size() >= kPage)) {  // but what is in memory must not go out late
      ++next;
      continue;
    }
    next = deadlines_.erase(next);
    if (!is_here) on_disk.push_back(late);
    if (Parcel* parcel = is_here ? here->second : nullptr; parcel && !parcel->running) {
      const Carried from{.id = parcel->id,
                         .envelope = parcel->envelope,
                         .slot = parcel->lane->slot,
                         .from_disk = parcel->from_disk,
                         .begun = now_};
      take_recipient(*parcel, late.second.index);
      conclude_late(from, late.second.index);
    }  // What is under attempt, or being recorded, is judged by that.
  }
  if (on_disk.empty()) return;
  flush_unclaims();
  std::vector<store::RecipientId> only;
  for (const auto& [time, id] : on_disk) only.push_back(id);
  expiring_.insert(only.begin(), only.end());
  parts_.backlog.claim({.owner = parts_.owner, .lease = kLease, .only = std::move(only)},
                       post([this, on_disk = std::move(on_disk)](base::Result<store::ClaimedPage> page) {
                         late_claimed(on_disk, std::move(page));
                       }));
}

void Scheduler::Strand::late_claimed(const std::vector<Deadline>& asked,
                                     base::Result<store::ClaimedPage> page) {
  for (const auto& [time, id] : asked) expiring_.erase(id);
  if (!page) {
    sys::log::warning("claim_failed", {{"reason", page.error().log_text()}});
    deadlines_after_ = now_.steady + kStorePause;
    deadlines_.insert(asked.begin(), asked.end());
    return rerun_changes();
  }
  std::string scratch;
  for (const store::Claimed& message : page->messages) {
    Carried from{.id = message.id, .envelope = message.envelope, .from_disk = true, .begun = now_};
    for (const std::uint32_t index : message.recipients) {
      from.slot = summaries_.intern(name_of(message.envelope->recipients[index].final.host(), scratch));
      if (stop_by_ || !is_too_late(*message.envelope, now_.utc)) {
        note_deadline(from, index);
        unclaim(from.slot, {message.id, index}, message.envelope->recipients[index].due);
      } else if (own(from, index)) {
        conclude_late(from, index);
      }
    }
  }
  rerun_changes();
}

// Without an attempt: its sender does not want it to arrive late. Requires that it is ours.
void Scheduler::Strand::conclude_late(Carried from, std::uint32_t index) {
  from.attempted = false;
  conclude(from, index, too_late(*from.envelope, from.envelope->recipients[index].last, now_.utc));
}

void Scheduler::Strand::look_for_deadlines() {
  if (!deadlines_to_ || looking_ || loading_ || stop_by_ || now_.steady < look_after_) return;
  looking_ = true;
  parts_.backlog.aged({.after = *deadlines_to_, .limit = kPage},
                      post([this](base::Result<store::AgedPage> page) { deadlines_found(std::move(page)); }));
}

void Scheduler::Strand::deadlines_found(base::Result<store::AgedPage> page) {
  looking_ = false;
  look_after_ = now_.steady + (page ? kBetweenPages : kStorePause);
  if (!page) return;
  for (const store::Aged& row : page->rows)
    if (row.back_by && deadlines_.size() < kDeadlines) deadlines_.insert({*row.back_by, row.id});
  if (page->more)
    deadlines_to_ = page->rows.empty() ? deadlines_to_ : page->rows.back().id;
  else
    deadlines_to_.reset();
}

// While a sweep warns it may be of the same message.
void Scheduler::Strand::tell_late() {
  if (warnings() > telling_late_.size()) return;
  while (!tell_late_.empty() && tell_late_.begin()->first <= now_.utc && telling_late_.size() < kTells) {
    const auto late = *tell_late_.begin();
    tell_late_.erase(tell_late_.begin());
    telling_late_.insert(late.second);
    parts_.teller.warn({.message = late.second}, post([this, late](const base::Result<bool>& result) {
                         telling_late_.erase(late.second);
                         if (result && *result) return;
                         deadlines_after_ = now_.steady + kStorePause;
                         tell_late_.insert(late);
                       }));
  }
}

}  // namespace postrider::queue
