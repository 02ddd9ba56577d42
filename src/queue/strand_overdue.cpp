// What waits for long. It is found by its age, whatever site it waits for and whoever owns it: its sender is warned, and
// what can't be tried (its site is given up) expires. And a destination behind such a site is asked now and then whether
// it has moved.
#include <algorithm>
#include <utility>

#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A destination is asked so often; and where there are very many, no more than a hundred in a second.
constexpr base::Milliseconds kLookEvery = minutes(1);
constexpr base::Milliseconds kLookShare = milliseconds(10);
// Passes come so often, and pages of one pass so far apart that claims have their turn in between.
constexpr base::Milliseconds kPassEvery = minutes(1);
constexpr base::Milliseconds kPassLeast = seconds(1);
constexpr base::Milliseconds kBetweenPages = milliseconds(10);
// The same for ids of a clock that was ahead: those of long ago can't be told from new ones but by their envelopes.
constexpr base::Milliseconds kAheadEvery = minutes(10);
constexpr base::Milliseconds kBetweenAhead = seconds(1);
constexpr base::Milliseconds kAhead = minutes(1);
// After a start, and a jump of the clock, mail that is late is tried before its sender hears of it.
constexpr base::Milliseconds kTriedFirst = minutes(10);
constexpr base::Milliseconds kLongestPause = minutes(1);
constexpr base::Milliseconds kLease = std::chrono::hours(1);

// What comes behind it begins with that message.
store::RecipientId just_before(base::MessageId id) { return {base::MessageId{id.value - 1}, UINT32_MAX}; }

}  // namespace

void Scheduler::Strand::watch(Slot slot) {
  Summary& summary = summaries_[slot];
  if (std::exchange(summary.in_overdue, true)) return;
  const auto pace = kLookShare * static_cast<std::int64_t>(overdue_.size());
  overdue_.push_back({now_.steady + std::max<base::Milliseconds>(kLookEvery, pace), slot});
}

void Scheduler::Strand::look_for_moved() {
  while (!overdue_.empty() && overdue_.front().first <= now_.steady && may_start()) {
    const Slot slot = overdue_.front().second;
    overdue_.pop_front();
    Summary& summary = summaries_[slot];
    summary.in_overdue = false;
    const bool is_stuck = summary.next_due <= now_.utc && summary.heap_place == kNoSlot;
    if (is_stuck) {
      watch(slot);
      ask_for_site(slot);
    }
    consider(slot);
    if (is_stuck)
      if (Dock* dock = dock_of(summary)) call_parked(*dock);
  }
}

// A destination that waits for a site which is given up or suspended may have moved to another meanwhile: one recipient
// is brought in, so that its courier is asked, and given back where nothing has changed.
void Scheduler::Strand::ask_for_site(Slot slot) {
  Summary& summary = summaries_[slot];
  const Dock* dock = summary.parked ? dock_by_id(summary.parked_at) : nullptr;
  if (!dock || !is_blocked(*dock) || summary.claiming || !may_claim()) return;
  if (summary.next_due > now_.utc || room_for_claims(true) == 0) return;
  for (Lane* lane = summary.lanes; lane; lane = lane->next) {
    if (!is_stale(*lane) || lane->waiting > 0) return;
    detach(*lane);
  }
  issue(slot, nullptr, 1);
}

void Scheduler::Strand::put_off_warnings() {
  for (Sweep& sweep : sweeps_)
    if (!sweep.expires) sweep.next = now_.steady + std::min(kTriedFirst, age_of(sweep));
}

base::Milliseconds Scheduler::Strand::age_of(const Sweep& sweep) const {
  return sweep.expires ? settings_->queue.expire : settings_->queue.warn_after;
}

bool Scheduler::Strand::is_sweeping() const {
  return std::ranges::any_of(sweeps_, [this](const Sweep& sweep) {
    return sweep.under_way || (sweep.next <= now_.steady && age_of(sweep).count() > 0);
  });
}

std::size_t Scheduler::Strand::warnings() const {
  std::size_t count = telling_late_.size();
  for (const Sweep& sweep : sweeps_) count += sweep.warning;
  return count;
}

void Scheduler::Strand::sweep_all() {
  if (!may_start()) return;
  for (Sweep& sweep : sweeps_)
    if (!sweep.under_way && sweep.next <= now_.steady && age_of(sweep).count() > 0) begin(sweep);
}

void Scheduler::Strand::begin(Sweep& sweep) {
  sweep.under_way = true;
  store::AgedRequest request{.after = sweep.at, .before = now_.utc - age_of(sweep), .limit = kPage};
  if (sweep.ahead) {
    const store::RecipientId first{base::MessageId::first(now_.utc + kAhead, 0), 0};
    request.after = std::max(request.after, first);
    request.before = base::UtcTime::max();
  }
  parts_.backlog.aged(request, post([this, &sweep](base::Result<store::AgedPage> page) {
                        take_page(sweep, std::move(page));
                      }));
}

void Scheduler::Strand::take_page(Sweep& sweep, base::Result<store::AgedPage> page) {
  if (!page) {
    sys::log::warning("aged_failed", {{"reason", page.error().log_text()}});
    return try_later(sweep);
  }
  sweep.page = std::move(*page);
  if (sweep.expires)
    expire_page(sweep);
  else
    warn_page(sweep);
}

// The same page, after a while.
void Scheduler::Strand::try_later(Sweep& sweep) {
  sweep.under_way = false;
  sweep.pause = std::clamp(sweep.pause * 2, kStorePause, kLongestPause);
  sweep.next = now_.steady + sweep.pause;
}

void Scheduler::Strand::end_page(Sweep& sweep) {
  sweep.under_way = false;
  sweep.pause = {};
  const store::AgedPage page = std::exchange(sweep.page, {});
  if (!page.rows.empty()) sweep.at = page.rows.back().id;
  if (page.more) {
    sweep.next = now_.steady + (sweep.ahead ? kBetweenAhead : kBetweenPages);
    return;
  }
  // Who was warned is not looked at again; what can't be tried today perhaps can tomorrow, and what could not expire may.
  if (sweep.expires || sweep.ahead) sweep.at = {};
  if (const auto back = std::exchange(sweep.back, {})) sweep.at = std::min(sweep.at, *back);
  if (sweep.ahead) {
    sweep.next = now_.steady + kAheadEvery;
    return;
  }
  base::Milliseconds wait = age_of(sweep);
  if (page.next) wait = std::min(wait, *page.next + age_of(sweep) - now_.utc);
  sweep.next = now_.steady + std::clamp(wait, kPassLeast, kPassEvery);
}

void Scheduler::Strand::warn_page(Sweep& sweep) {
  for (const store::Aged& row : sweep.page.rows) {
    if (row.warned) continue;
    if (sweep.late.empty() || sweep.late.back().message != row.id.message)
      sweep.late.push_back({.message = row.id.message});
    const Slot slot = summaries_.find(row.destination);
    const Dock* dock = slot == kNoSlot ? nullptr : dock_of(summaries_[slot]);
    if (dock && dock->failure && dock->health.given_up_until())
      sweep.late.back().reasons.emplace_back(row.id.index, *dock->failure);
  }
  warn_next(sweep);
}

void Scheduler::Strand::warn_next(Sweep& sweep) {
  while (!sweep.late.empty() && sweep.warning < kTells && !sweep.fails && !stop_by_) {
    Delayed delayed = std::move(sweep.late.front());
    sweep.late.pop_front();
    if (telling_late_.contains(delayed.message)) continue;
    ++sweep.warning;
    const base::MessageId id = delayed.message;
    parts_.teller.warn(std::move(delayed), post([this, &sweep, id](const base::Result<bool>& result) {
                         warned(sweep, id, result);
                       }));
  }
  if (sweep.warning > 0) return;
  if (!std::exchange(sweep.fails, false)) return end_page(sweep);
  // From the first that failed.
  sweep.at = std::exchange(sweep.back, {}).value_or(sweep.at);
  sweep.late.clear();
  sweep.page = {};
  try_later(sweep);
}

void Scheduler::Strand::warned(Sweep& sweep, base::MessageId id, const base::Result<bool>& result) {
  --sweep.warning;
  if (!result) {
    if (!sweep.fails)
      sys::log::warning("warning_failed", {{"id", id.to_string()}, {"reason", result.error().log_text()}});
    sweep.fails = true;
  }
  if (!result || !*result) {
    const auto here = just_before(id);
    sweep.back = sweep.back ? std::min(*sweep.back, here) : here;
  }
  warn_next(sweep);
}

// Nothing expires that was not tried, itself or its site, since that counts; nor what may not be tried.
bool Scheduler::Strand::can_expire(Slot slot) const {
  if (slot == kNoSlot) return false;
  const Summary& summary = summaries_[slot];
  const Dock* dock = dock_of(summary);
  if (!dock || !dock->health.given_up_until() || !dock->failure || dock->failed <= counts_from_) return false;
  return !dock->suspended && !suspensions_.everything() && !suspensions_.of_destination(summary.name);
}

void Scheduler::Strand::expire_page(Sweep& sweep) {
  const std::size_t room = std::min(room_for_claims(true), kPage);
  std::vector<store::RecipientId> only;
  std::size_t seen = 0;
  for (; seen < sweep.page.rows.size() && only.size() < room; ++seen) {
    const store::Aged& row = sweep.page.rows[seen];
    if (can_expire(summaries_.find(row.destination)) && !window_.contains(row.id)) only.push_back(row.id);
  }
  if (seen < sweep.page.rows.size()) {
    sweep.page.rows.resize(seen);
    sweep.page.more = true;
  }
  // A claim could bring a row as it was before an operator's change.
  if (room == 0 || (!only.empty() && (stop_by_ || changing_ > 0 || !postponed_.empty())))
    return try_later(sweep);
  if (only.empty()) return end_page(sweep);
  flush_unclaims();
  expiring_.insert(only.begin(), only.end());
  parts_.backlog.claim(
      {.owner = parts_.owner, .lease = kLease, .only = std::move(only)},
      post([this, &sweep](base::Result<store::ClaimedPage> page) { expire(sweep, std::move(page)); }));
}

// As if each had been tried and had met what its site met.
void Scheduler::Strand::expire(Sweep& sweep, base::Result<store::ClaimedPage> page) {
  for (const store::Aged& row : sweep.page.rows) expiring_.erase(row.id);
  if (!page) {
    sys::log::warning("claim_failed", {{"reason", page.error().log_text()}});
    try_later(sweep);
    return rerun_changes();
  }
  std::string scratch;
  for (const store::Claimed& message : page->messages) {
    const bool is_old = now_.utc >= expires_at(*message.envelope, settings_->queue);
    Carried from{
        .id = message.id, .envelope = message.envelope, .from_disk = true, .attempted = false, .begun = now_};
    for (const std::uint32_t index : message.recipients) {
      const mail::Recipient& recipient = message.envelope->recipients[index];
      from.slot = summaries_.intern(name_of(recipient.final.host(), scratch));
      // It may have come alive meanwhile.
      if (!is_old || !can_expire(from.slot)) {
        unclaim(from.slot, {message.id, index}, recipient.due);
        continue;
      }
      if (!own(from, index) || may_not_yet(from, index)) continue;
      mail::Outcome outcome = *dock_of(summaries_[from.slot])->failure;
      outcome.action = mail::Action::deferred;
      conclude(from, index, std::move(outcome));
    }
  }
  end_page(sweep);
  rerun_changes();
}

void Scheduler::Strand::unclaim(Slot slot, store::RecipientId id, base::UtcTime due) {
  unclaims_.push_back(id);
  due_at(slot, due);
}

// It becomes ours, as what is admitted; false: it was already.
bool Scheduler::Strand::own(const Carried& from, std::uint32_t index) {
  const auto [here, is_new] = window_.try_emplace({from.id, index});
  if (!is_new) {
    // Being recorded: if the disk had that before it was claimed again, nobody would let it go.
    if (!here->second) unclaims_.push_back({from.id, index});
    return false;
  }
  ++summaries_[from.slot].in_memory;
  if (from.from_disk) ++from_disk_;
  return true;
}

}  // namespace postrider::queue
