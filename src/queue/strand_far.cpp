// Due times of a clock that was ahead: no due time that we write lies further ahead than a retry's, so that one which does
// is of another clock, and what bears it is due now. Looked for at a start, and when the clock was set.
#include <algorithm>
#include <utility>

#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::hours;

// From a decision to its record, and for what is put off for an hour.
constexpr base::Milliseconds kBeyondRetry = hours(2);
constexpr base::Milliseconds kLease = hours(1);

}  // namespace

base::UtcTime Scheduler::Strand::furthest() const {
  return now_.utc + std::chrono::duration_cast<base::Milliseconds>(settings_->queue.retry.max * 1.1) +
         kBeyondRetry;
}

void Scheduler::Strand::ask_for_far(std::string after) {
  far_again_.reset();
  far_to_ = after;
  parts_.backlog.destinations(
      {.after = std::move(after), .limit = kDestinations, .due_from = furthest()},
      post([this](base::Result<std::vector<store::DestinationDue>> page) { far_known(std::move(page)); }));
}

void Scheduler::Strand::far_known(base::Result<std::vector<store::DestinationDue>> page) {
  if (stop_by_) return;
  if (!page) {
    sys::log::warning("destinations_failed", {{"reason", page.error().log_text()}});
    far_again_ = now_.steady + kStorePause;
    return;
  }
  for (const auto& one : *page) is_far(summaries_.intern(one.destination));
  if (page->size() >= kDestinations) ask_for_far(std::move(page->back().destination));
}

void Scheduler::Strand::is_far(Slot slot) {
  if (!std::exchange(summaries_[slot].far, true)) far_.push_back(slot);
}

// One destination at a time.
void Scheduler::Strand::pull_far() {
  if (far_.empty() || !may_claim()) return;
  const std::size_t room = std::min(room_for_claims(true), kPage);
  const Slot slot = far_.front();
  Summary& summary = summaries_[slot];
  if (room == 0 || summary.claiming) return;
  far_.pop_front();
  summary.far = false;
  flush_unclaims();
  summaries_.dont_look(slot);
  summary.claiming = true;
  claims_.push_back({.slot = slot, .limit = room});
  parts_.backlog.claim(
      {.owner = parts_.owner,
       .destination = summary.name,
       .limit = room,
       .lease = kLease,
       .due_from = furthest()},
      post([this, slot](base::Result<store::ClaimedPage> page) { far_claimed(slot, std::move(page)); }));
}

void Scheduler::Strand::far_claimed(Slot slot, base::Result<store::ClaimedPage> page) {
  end_claim(slot);
  if (!page) {
    sys::log::warning("claim_failed", {{"reason", page.error().log_text()}});
    ask_after_ = now_.steady + kStorePause;
    is_far(slot);
  } else {
    for (const store::Claimed& message : page->messages) {
      const Carried from{
          .id = message.id, .envelope = message.envelope, .slot = slot, .from_disk = true, .begun = now_};
      for (const std::uint32_t index : message.recipients)
        if (own(from, index)) postpone(from, index, now_.utc);
    }
    if (page->next_due) is_far(slot);
  }
  consider(slot);
  rerun_changes();
}

}  // namespace postrider::queue
