// What waits on the disk and can't be tried: behind a site that is given up, suspended, or slower than its mail comes.
// It is not rewritten round by round; but it does not wait for ever, and its sender hears of it.
#include <algorithm>
#include <utility>

#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

// A destination is looked at so often; and where there are very many, no more than a hundred in a second.
constexpr base::Milliseconds kLookEvery = minutes(1);
constexpr base::Milliseconds kLookShare = milliseconds(10);
constexpr base::Milliseconds kLease = minutes(10);

std::size_t recipients_in(const store::ClaimedPage& page) {
  std::size_t count = 0;
  for (const store::Claimed& message : page.messages) count += message.recipients.size();
  return count;
}

}  // namespace

void Scheduler::Strand::watch(Slot slot) {
  Summary& summary = summaries_[slot];
  if (std::exchange(summary.in_overdue, true)) return;
  const auto pace = kLookShare * static_cast<std::int64_t>(overdue_.size());
  overdue_.push_back({now_.steady + std::max<base::Milliseconds>(kLookEvery, pace), slot});
}

// One at a time: what is due and can be tried comes first.
void Scheduler::Strand::look_for_overdue() {
  while (!overdue_.empty() && overdue_.front().first <= now_.steady && looking_ == 0 && may_start() &&
         changing_ == 0 && postponed_.empty()) {
    const Slot slot = overdue_.front().second;
    overdue_.pop_front();
    Summary& summary = summaries_[slot];
    summary.in_overdue = false;
    const bool is_stuck = summary.next_due <= now_.utc && summary.heap_place == kNoSlot;
    if (!is_stuck) {
      consider(slot);
      continue;
    }
    watch(slot);
    if (!summary.claiming) look_at_overdue(slot);
  }
}

// Nothing expires that was not tried, itself or its site, since that counts; nor what may not be tried.
void Scheduler::Strand::look_at_overdue(Slot slot) {
  ++looking_;
  const Dock* dock = dock_of(summaries_[slot]);
  const base::UtcTime expired = now_.utc - settings_->queue.expire;
  const bool is_suspended = suspensions_.everything() || suspensions_.of_destination(summaries_[slot].name) ||
                            (dock && dock->suspended);
  if (dock && dock->health.given_up_until() && dock->failure && dock->failed > counts_from_ && !is_suspended)
    return ask_overdue({.slot = slot, .expire = true, .to = expired, .end = expired});
  look_for_late(slot);
}

// Those that reached [queue] warn_after since the last look.
void Scheduler::Strand::look_for_late(Slot slot) {
  const base::UtcTime from{minutes(summaries_[slot].warned_to)};
  const base::UtcTime to = std::chrono::floor<minutes>(now_.utc - settings_->queue.warn_after);
  if (settings_->queue.warn_after.count() == 0 || from >= to) return end_overdue(slot);
  ask_overdue({.slot = slot, .expire = false, .from = from, .to = to, .end = to});
}

void Scheduler::Strand::ask_overdue(Overdue look) {
  if (stop_by_ || changing_ > 0 || !postponed_.empty() ||
      room_for_claims(true) < std::min<std::size_t>(kPage, settings_->queue.window / 4))
    return end_overdue(look.slot);
  flush_unclaims();
  Summary& summary = summaries_[look.slot];
  summaries_.dont_look(look.slot);
  summary.claiming = true;
  const std::size_t limit = std::clamp<std::size_t>(room_for_claims(true), 1, kPage);
  claims_.push_back({.slot = look.slot, .limit = limit});
  parts_.backlog.claim(
      {.owner = parts_.owner,
       .destination = summary.name,
       .due_before = now_.utc + milliseconds(1),
       .limit = limit,
       .lease = kLease,
       .received_from = look.from,
       .received_before = look.end},
      post([this, look](base::Result<store::ClaimedPage> page) { overdue_claimed(look, std::move(page)); }));
}

void Scheduler::Strand::overdue_claimed(Overdue look, base::Result<store::ClaimedPage> page) {
  const Claim claim = end_claim(look.slot);
  if (!page) {
    sys::log::warning("claim_failed", {{"reason", page.error().log_text()}});
    return end_overdue(look.slot);
  }
  summaries_[look.slot].next_due = claim.lowered;
  if (page->next_due) due_at(look.slot, *page->next_due);
  const bool is_full = recipients_in(*page) >= claim.limit;
  if (look.expire) {
    expire_page(look, std::move(*page));
    if (is_full) return ask_overdue(look);
    return look_for_late(look.slot);
  }
  // They stay on the disk and would be found again, so each page must hold all of its part.
  if (is_full && look.end - look.from > minutes(1)) {
    for (const store::Claimed& message : page->messages) unclaim(look.slot, message);
    const auto half = std::chrono::floor<minutes>((look.end - look.from) / 2);
    look.end = look.from + std::max<base::Milliseconds>(half, minutes(1));
    return ask_overdue(look);
  }
  warn_page(look, std::move(*page));
  summaries_[look.slot].warned_to =
      static_cast<std::uint32_t>(std::chrono::floor<minutes>(look.end.time_since_epoch()).count());
  look_for_late(look.slot);
}

void Scheduler::Strand::unclaim(Slot slot, const store::Claimed& message) {
  base::UtcTime due = kNever;
  for (const std::uint32_t index : message.recipients) {
    unclaims_.push_back({message.id, index});
    due = std::min(due, message.envelope->recipients[index].due);
  }
  if (!message.recipients.empty()) due_at(slot, due);
}

// As if each had been tried and had met what its site met.
void Scheduler::Strand::expire_page(const Overdue& look, store::ClaimedPage page) {
  const Dock* dock = dock_of(summaries_[look.slot]);
  for (store::Claimed& message : page.messages) {
    if (!dock || !dock->failure || now_.utc < message.envelope->received + settings_->queue.expire) {
      unclaim(look.slot, message);
      continue;
    }
    mail::Outcome outcome = *dock->failure;
    outcome.action = mail::Action::deferred;
    const Carried from{.id = message.id,
                       .envelope = message.envelope,
                       .slot = look.slot,
                       .from_disk = true,
                       .attempted = false,
                       .begun = now_};
    for (const std::uint32_t index : message.recipients)
      if (own(from, index) && !may_not_yet(from, index)) conclude(from, index, outcome);
  }
}

void Scheduler::Strand::warn_page(const Overdue& look, store::ClaimedPage page) {
  for (store::Claimed& message : page.messages) {
    const Carried from{
        .id = message.id, .envelope = message.envelope, .slot = look.slot, .from_disk = true, .begun = now_};
    std::vector<Decided> group;
    std::erase_if(message.recipients, [&](std::uint32_t index) {
      const mail::Recipient& recipient = message.envelope->recipients[index];
      if (!is_to_be_warned(*message.envelope, recipient, now_.utc, settings_->queue)) return false;
      if (!own(from, index)) return true;
      group.push_back({.envelope = from.envelope,
                       .update = {.id = {from.id, index}, .due = recipient.due, .attempted = false},
                       .outcome = why_late(look.slot, recipient),
                       .slot = look.slot,
                       .from_disk = true,
                       .quiet = true});
      return true;
    });
    if (!group.empty()) warnings_.push_back(std::move(group));
    unclaim(look.slot, message);
  }
}

mail::Outcome Scheduler::Strand::why_late(Slot slot, const mail::Recipient& recipient) const {
  const Dock* dock = dock_of(summaries_[slot]);
  if (dock && dock->failure && dock->health.given_up_until()) return *dock->failure;
  if (recipient.last) return *recipient.last;
  const auto reply = mail::reply(451, 4, 5, "the destination takes no mail at the moment");  // RFC 3463 3.5
  return {.reply = reply, .relay = {}, .detail = {}, .at = now_.utc};
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

void Scheduler::Strand::end_overdue(Slot slot) {
  --looking_;
  ask_for_site(slot);
  consider(slot);
  if (Dock* dock = dock_of(summaries_[slot])) call_parked(*dock);
  rerun_changes();
}

// A destination that waits for a site which is given up may have moved to another meanwhile: one recipient is brought in,
// so that its courier is asked, and given back where nothing has changed.
void Scheduler::Strand::ask_for_site(Slot slot) {
  Summary& summary = summaries_[slot];
  const Dock* dock = summary.parked ? dock_by_id(summary.parked_at) : nullptr;
  if (!dock || !is_blocked(*dock) || dock->suspended || summary.claiming || !may_claim()) return;
  if (summary.next_due > now_.utc || room_for_claims(true) == 0) return;
  for (Lane* lane = summary.lanes; lane; lane = lane->next) {
    if (!is_stale(*lane) || lane->waiting > 0) return;
    detach(*lane);
  }
  issue(slot, nullptr, 1);
}

}  // namespace postrider::queue
