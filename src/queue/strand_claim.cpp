// From the disk: which destination is claimed from when, and how much.
#include <algorithm>
#include <utility>

#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Longer than anything waits, so that nothing is claimed again while we have it: the page that brings it could come
// behind the record of its end. A restart frees all.
constexpr base::Milliseconds kLease = hours(24 * 365);
// Under way at a time.
constexpr std::size_t kClaims = 4;
// Attempts' worth of a destination's mail that is in memory, and of all mail for one site.
constexpr std::size_t kAhead = 4;
constexpr std::size_t kSiteAhead = 8;
// What one site has in memory at least, and at most, before destinations wait for it on the disk.
constexpr std::size_t kSiteLeast = 200;
constexpr std::size_t kSiteMost = 4000;
// Destinations that have their place in the window at the same time, whatever its size.
constexpr std::size_t kShares = 50;
constexpr std::size_t kLeastPage = 10;
// Destinations that were parked and are claimed from at a time.
constexpr std::uint32_t kCalled = 8;

}  // namespace

// What it says must be on the disk, and owned by nobody.
void Scheduler::Strand::due_at(Slot slot, base::UtcTime due) {
  Summary& summary = summaries_[slot];
  if (due > furthest() && due != kNever) is_far(slot);
  summary.next_due = std::min(summary.next_due, due);
  if (summary.claiming) {
    const auto claim = std::ranges::find(claims_, slot, &Claim::slot);
    claim->lowered = std::min(claim->lowered, due);
  }
  consider(slot);
}

// Sees to it that a destination is looked at when that is of use, and forgotten when there is nothing more of it.
void Scheduler::Strand::consider(Slot slot) {
  Summary& summary = summaries_[slot];
  if (summary.claiming || summary.parked) return;
  if (summary.next_due == kNever) {
    summaries_.dont_look(slot);
    uncall(slot);
    return forget_if_done(slot);
  }
  if (summary.waiting - summary.let_in > wanted(summary) / 2) {
    summaries_.dont_look(slot);
    uncall(slot);  // it has enough: others may be called in its place
    if (summary.next_due <= now_.utc) watch(slot);
    return;
  }
  const base::UtcTime look = std::max(summary.next_due, now_.utc);
  if (summary.heap_place == kNoSlot || look < summary.look) summaries_.look_at(slot, look);
}

void Scheduler::Strand::forget_if_done(Slot slot) {
  Summary& summary = summaries_[slot];
  if (summary.next_due != kNever || summary.in_memory > 0 || summary.lanes || summary.claiming) return;
  if (summary.parked || summary.in_overdue || summary.far) return;
  summaries_.dont_look(slot);
  uncall(slot);
  summaries_.erase(slot);
}

// Recipients that a destination may have waiting in memory.
std::size_t Scheduler::Strand::wanted(const Summary& summary) const {
  const Dock* dock = dock_of(summary);
  std::size_t wanted = kSmallPage;
  if (dock) wanted = std::clamp(kAhead * dock->health.allowed(), kSmallPage, kPage);
  // Where the window is small, many still have their place in it.
  wanted = std::min(wanted, std::max<std::size_t>(settings_->queue.window / kShares, kLeastPage));
  if (dock && dock->rate.per_minute() > 0)
    wanted = std::min<std::size_t>(wanted, 2 * dock->rate.per_minute());
  return wanted;
}

// How many recipients of one destination may be in memory.
std::size_t Scheduler::Strand::share() const {
  return std::min<std::size_t>(std::max<std::size_t>(settings_->queue.window / 10, kPage),
                               settings_->queue.window);
}

// What is claimed fills half of the window at most, so that what comes fresh can pass by the disk; and a quarter of that is
// for destinations that have nothing in memory.
std::size_t Scheduler::Strand::room_for_claims(bool has_some) const {
  const std::size_t window = std::max<std::size_t>(settings_->queue.window, 1);
  std::size_t claimed = from_disk_;
  std::size_t all = window_.size();
  for (const Claim& claim : claims_) {
    claimed += claim.limit;
    all += claim.limit;
  }
  std::size_t most = std::max<std::size_t>(window / 2, 1);
  if (has_some) most -= most / 4;
  return std::min(most - std::min(most, claimed), window - std::min(window, all));
}

bool Scheduler::Strand::may_claim() const {
  return may_start() && now_.steady >= ask_after_ && claims_.size() < kClaims && !suspensions_.everything() &&
         changing_ == 0 && postponed_.empty();
}

void Scheduler::Strand::claim_due() {
  while (may_claim()) {
    const Slot slot = summaries_.first();
    if (slot == kNoSlot || summaries_[slot].look > now_.utc) return;
    Summary& summary = summaries_[slot];
    if (suspensions_.of_destination(summary.name)) {
      park(slot, kNoSite);
      continue;
    }
    Dock* const dock = dock_of(summary);
    if (dock && !wants_more(*dock)) {
      park(slot, dock->id);
      continue;
    }
    // A site that is tried again after a while gets one recipient to be tried with.
    const bool one = dock && dock->health.given_up_until();
    const std::size_t want =
        one ? 1 : wanted(summary) - std::min<std::size_t>(wanted(summary), summary.waiting);
    const std::size_t room = room_for_claims(summary.in_memory > 0);
    // Who has something in memory does not stand before those who have nothing; and not for a handful, since each
    // claim is a transaction.
    if (summary.in_memory > 0 &&
        room < std::min({want, kLeastPage, std::max<std::size_t>(settings_->queue.window / 16, 1)})) {
      summaries_.look_at(slot, now_.utc + kStorePause);
      continue;
    }
    if (room == 0) return;
    issue(slot, dock, std::max<std::size_t>(std::min(want, room), 1));
  }
}

void Scheduler::Strand::issue(Slot slot, Dock* dock, std::size_t limit) {
  flush_unclaims();
  Summary& summary = summaries_[slot];
  summaries_.dont_look(slot);
  summary.claiming = true;
  if (dock) ++dock->claims;
  claims_.push_back({.slot = slot, .limit = limit, .dock = dock ? dock->id : kNoSite});
  parts_.backlog.claim({.owner = parts_.owner,
                        .destination = summary.name,
                        .due_before = now_.utc + milliseconds(1),
                        .limit = limit,
                        .lease = kLease},
                       post([this, slot](auto page) { claimed(slot, std::move(page)); }));
}

Scheduler::Strand::Claim Scheduler::Strand::end_claim(Slot slot) {
  const auto found = std::ranges::find(claims_, slot, &Claim::slot);
  const Claim claim = *found;
  claims_.erase(found);
  summaries_[slot].claiming = false;
  if (Dock* dock = dock_by_id(claim.dock)) --dock->claims;
  return claim;
}

void Scheduler::Strand::claimed(Slot slot, base::Result<store::ClaimedPage> page) {
  const Claim claim = end_claim(slot);
  Summary& summary = summaries_[slot];
  std::size_t taken = 0;
  if (!page) {
    ask_after_ = now_.steady + kStorePause;
    sys::log::warning("claim_failed", {{"reason", page.error().log_text()}});
    consider(slot);
  } else {
    summary.next_due = claim.lowered;
    if (page->next_due) due_at(slot, *page->next_due);
    if (!stop_by_)
      for (store::Claimed& message : page->messages) taken += admit(std::move(message), true, false);
    // Due, and yet not to be had: to ask again at once would be a busy loop.
    if (taken == 0 && summary.heap_place != kNoSlot && summary.look <= now_.utc)
      summaries_.look_at(slot, now_.utc + kStorePause);
  }
  // Until its site is told again it may be anywhere: the one that called it waits for the answer.
  const bool is_asked = summary.lanes && summary.lanes->locating && summary.waiting > 0;
  Dock* const called_by = summary.called && !is_asked ? dock_by_id(summary.parked_at) : nullptr;
  if (!is_asked) uncall(slot);
  consider(slot);
  if (called_by) call_parked(*called_by);
  if (Dock* dock = dock_by_id(claim.dock); dock && dock != called_by) call_parked(*dock);
  rerun_changes();
}

// Whether it takes something from the disk now.
bool Scheduler::Strand::wants_more(const Dock& dock) const {
  if (is_blocked(dock)) return false;
  if (dock.health.given_up_until())
    return dock.waiting == 0 && dock.claims == 0 && dock.health.may_begin(now_.steady, dock.running);
  std::size_t enough = std::clamp<std::size_t>(kSiteAhead * dock.health.max(), kSiteLeast, kSiteMost);
  if (dock.rate.per_minute() > 0) enough = std::min<std::size_t>(enough, 2 * dock.rate.per_minute());
  return dock.waiting < enough;
}

// Off the heap, onto the list of a site (kNoSite: of what is suspended), behind those that are there.
void Scheduler::Strand::park(Slot slot, std::uint32_t at) {
  Summary& summary = summaries_[slot];
  if (summary.parked || summary.claiming) return;
  uncall(slot);
  summaries_.dont_look(slot);
  SlotList& list = at == kNoSite ? suspended_ : dock_by_id(at)->parked;
  summary.parked = true;
  summary.parked_at = at;
  summary.before_parked = list.tail;
  (list.tail == kNoSlot ? list.head : summaries_[list.tail].next_parked) = slot;
  list.tail = slot;
  ++list.count;
  if (Dock* dock = dock_by_id(at)) wake_for_parked(*dock);
  watch(slot);
}

void Scheduler::Strand::unpark(Slot slot) {
  Summary& summary = summaries_[slot];
  Dock* const dock = dock_by_id(summary.parked_at);
  SlotList& list = dock ? dock->parked : suspended_;
  const Slot before = std::exchange(summary.before_parked, kNoSlot);
  const Slot next = std::exchange(summary.next_parked, kNoSlot);
  (before == kNoSlot ? list.head : summaries_[before].next_parked) = next;
  (next == kNoSlot ? list.tail : summaries_[next].before_parked) = before;
  --list.count;
  summary.parked = false;
  if (dock) rest(*dock);
}

// Those that wait for this site come in again, as far as there is use for them.
void Scheduler::Strand::call_parked(Dock& dock) {
  while (dock.parked.count > 0 && wants_more(dock) &&
         dock.called < (dock.health.given_up_until() ? 1 : kCalled)) {
    const Slot slot = dock.parked.head;
    unpark(slot);
    Summary& summary = summaries_[slot];
    if (!summary.claiming && summary.next_due <= now_.utc) {
      summary.called = true;
      ++dock.called;
    }
    consider(slot);
  }
}

void Scheduler::Strand::uncall(Slot slot) {
  Summary& summary = summaries_[slot];
  if (!summary.called) return;
  summary.called = false;
  if (Dock* dock = dock_by_id(summary.parked_at)) --dock->called;
}

void Scheduler::Strand::unpark_suspended() {
  while (suspended_.count > 0) {
    const Slot slot = suspended_.head;
    unpark(slot);
    consider(slot);
  }
}

}  // namespace postrider::queue
