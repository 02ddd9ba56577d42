// Into memory, and out of it untouched: what comes fresh or from the disk is given its route and its place in a lane.
#include <algorithm>
#include <utility>

#include "queue/strand.hpp"

namespace postrider::queue {
namespace {

// Recipients of a destination that may pass others on the disk, at a time: each the only one of its sender there. So many
// at least, and a tenth of the destination's share of the window.
constexpr std::size_t kLetIn = 25;
constexpr std::size_t kMostLetIn = 10'000;

// MAIL is said once for all of a job.
bool takes_one_more(const Parcel& parcel, const mail::Recipient& recipient) {
  const auto& first = parcel.envelope->recipients[parcel.recipients.front()];
  return parcel.recipients.size() < parcel.lane->carrier->courier->recipients_per_job() &&
         first.reverse_path == recipient.reverse_path;
}

}  // namespace

std::string_view Scheduler::Strand::name_of(const mail::Host& host, std::string& scratch) {
  if (const auto* domain = std::get_if<mail::Domain>(&host)) return domain->ascii();
  return scratch = mail::to_ascii(host);
}

void Scheduler::Strand::fresh(store::Claimed message, bool untold) {
  if (untold) untold_appeared();
  if (stop_by_) return;
  const bool room = has_room_for(message);
  bool any_passes = false;
  std::string scratch;
  std::vector<std::uint32_t> stay;
  stay.reserve(message.recipients.size());
  for (const std::uint32_t index : message.recipients) {
    const mail::Recipient& recipient = message.envelope->recipients[index];
    const Slot slot = summaries_.intern(name_of(recipient.final.host(), scratch));
    bool passes = false;
    if (room && recipient.due <= now_.utc && lets_in(slot, *message.envelope, passes)) {
      stay.push_back(index);
      any_passes |= passes;
    } else {
      unclaims_.push_back({message.id, index});
      due_at(slot, recipient.due);
      note_deadline({.id = message.id, .envelope = message.envelope, .begun = now_}, index);
    }
  }
  message.recipients = std::move(stay);
  admit(std::move(message), false, any_passes);
}

// A quarter of the window is kept for what comes from the disk, so that a flood can't keep retries waiting. Any message
// may come into an empty one.
bool Scheduler::Strand::has_room_for(const store::Claimed& message) const {
  const std::size_t window = settings_->queue.window;
  return window_.empty() || window_.size() + message.recipients.size() <= window - window / 4;
}

// Whether a fresh recipient may come in at once: others of its destination that are due on the disk come first, unless its
// sender has nothing here yet, or it has priority.
bool Scheduler::Strand::lets_in(Slot slot, const mail::Envelope& envelope, bool& passes_others) {
  const Summary& summary = summaries_[slot];
  if (suspensions_.everything() || suspensions_.of_destination(summary.name)) return false;
  // Parked behind a site that is well, and only has enough, it may still let a newcomer in.
  const Dock* const dock = summary.parked ? dock_by_id(summary.parked_at) : dock_of(summary);
  if (dock ? is_blocked(*dock) : summary.parked) return false;
  if (!summary.parked && summary.next_due > now_.utc && summary.in_memory < share()) return true;
  if (summary.let_in >= std::clamp(share() / 10, kLetIn, kMostLetIn)) return false;
  if (summary.in_memory >= 2 * share()) return false;
  for (const Lane* lane = summary.lanes; lane && envelope.priority <= 0; lane = lane->next)
    if (flows_.contains(FlowName{lane, envelope.reverse_path, envelope.priority})) return false;
  passes_others = true;
  return true;
}

// How many of its recipients were not in memory before.
std::size_t Scheduler::Strand::admit(store::Claimed message, bool from_disk, bool let_in) {
  std::string scratch;
  std::size_t taken = 0;
  Carried from{
      .id = message.id, .envelope = std::move(message.envelope), .from_disk = from_disk, .begun = now_};
  for (const std::uint32_t index : message.recipients) {
    from.slot = summaries_.intern(name_of(from.envelope->recipients[index].final.host(), scratch));
    if (!own(from, index)) continue;
    ++taken;
    note_deadline(from, index);
    if (is_too_late(*from.envelope, now_.utc)) {
      conclude_late(from, index);
    } else if (!may_not_yet(from, index)) {
      route(from, index, let_in);
    }
  }
  for (Lane* lane : std::exchange(touched_, {}))
    enqueue(std::unique_ptr<Parcel>(std::exchange(lane->filling, nullptr)));
  return taken;
}

// Put back, since its sender asked for a later time, or an operator does not want this sender's mail to go.
bool Scheduler::Strand::may_not_yet(const Carried& from, std::uint32_t index) {
  std::optional<base::UtcTime> until;
  if (is_held_until(*from.envelope, now_.utc)) {
    until = *from.envelope->hold_until;
  } else if (const auto* suspended = suspensions_.of_sender(from.envelope->reverse_path)) {
    until = suspended->until.value_or(kNever);
  }
  if (!until) return false;
  postpone(from, index, std::min(*until, now_.utc + kPostponed));
  return true;
}

void Scheduler::Strand::route(const Carried& from, std::uint32_t index, bool let_in) {
  const mail::Recipient& recipient = from.envelope->recipients[index];
  Router::Choice choice = parts_.router.choose(*from.envelope, recipient);
  if (choice.courier) {
    Lane& lane = lane_for(from.slot, choice, recipient.final.host());
    if (lane.filling && !takes_one_more(*lane.filling, recipient))
      enqueue(std::unique_ptr<Parcel>(std::exchange(lane.filling, nullptr)));
    if (!lane.filling) {
      lane.filling = new Parcel{.id = from.id,
                                .envelope = from.envelope,
                                .lane = &lane,
                                .from_disk = from.from_disk,
                                .let_in = let_in};
      touched_.push_back(&lane);
    }
    lane.filling->recipients.push_back(index);
    window_[{from.id, index}] = lane.filling;
    return;
  }
  if (choice.hold) return hold(from, index, held_by_route(now_.utc));
  mail::Outcome outcome;
  outcome.reply = mail::reply(451, 3, 5, "no route");  // RFC 3463 3.4
  if (choice.instead) outcome = std::move(*choice.instead);
  conclude(from, index, std::move(outcome));
}

void Scheduler::Strand::enqueue(std::unique_ptr<Parcel> parcel) {
  if (!parcel) return;
  Lane& lane = *parcel->lane;
  Summary& summary = summaries_[lane.slot];
  const std::uint32_t size = parcel->size();
  if (parcel->let_in) summary.let_in = static_cast<std::uint16_t>(summary.let_in + size);
  summary.waiting += size;
  lane.waiting += size;
  if (lane.dock) lane.dock->waiting += size;
  Flow& flow = flow_for(lane, *parcel->envelope);
  ++flow.parcels;
  Parcel* const last = parcel.release();
  last->flow = &flow;
  last->before = flow.last;
  (flow.last ? flow.last->behind : flow.first) = last;
  flow.last = last;
  lane.flows.add(flow);
  // Suspended while it was being claimed.
  if (suspensions_.everything() || suspensions_.of_destination(summary.name)) return give_back_lane(lane);
  locate_if_needed(lane);
  if (lane.trouble && !lane.locating) return conclude_lane(lane);
  if (!lane.dock) return;
  if (is_blocked(*lane.dock)) return give_back_lane(lane);
  lane.dock->waits.add(lane);
  ready(*lane.dock);
}

// Out of its flow. Its recipients stay ours.
std::unique_ptr<Parcel> Scheduler::Strand::take_out(Parcel& parcel) {
  Lane& lane = *parcel.lane;
  Flow& flow = *parcel.flow;
  (parcel.before ? parcel.before->behind : flow.first) = parcel.behind;
  (parcel.behind ? parcel.behind->before : flow.last) = parcel.before;
  parcel.before = parcel.behind = nullptr;
  if (!flow.first) lane.flows.remove(flow);
  Summary& summary = summaries_[lane.slot];
  if (parcel.let_in) summary.let_in = static_cast<std::uint16_t>(summary.let_in - parcel.size());
  summary.waiting -= parcel.size();
  lane.waiting -= parcel.size();
  if (lane.dock) {
    lane.dock->waiting -= parcel.size();
    if (lane.flows.empty()) lane.dock->waits.remove(lane);
  }
  return std::unique_ptr<Parcel>(&parcel);
}

void Scheduler::Strand::leave_flow(Parcel& parcel) {
  Flow& flow = *parcel.flow;
  if (--flow.parcels > 0) return;
  flows_.erase(flows_.find(FlowName{flow.lane, flow.sender, flow.priority}));
}

void Scheduler::Strand::disown(Slot slot, std::uint32_t recipients, bool from_disk) {
  summaries_[slot].in_memory -= recipients;
  if (from_disk) from_disk_ -= recipients;
}

// To the disk, where it is due. Requires that it is in no flow any more.
void Scheduler::Strand::give_back(std::unique_ptr<Parcel> parcel) {
  const Slot slot = parcel->lane->slot;
  base::UtcTime due = kNever;
  for (const std::uint32_t index : parcel->recipients) {
    window_.erase({parcel->id, index});
    unclaims_.push_back({parcel->id, index});
    due = std::min(due, parcel->envelope->recipients[index].due);
  }
  disown(slot, parcel->size(), parcel->from_disk);
  leave_flow(*parcel);
  due_at(slot, std::min(due, now_.utc));
}

// All that waits in it. What is for a site that is blocked waits for that site; but where a destination has mail for
// another as well, its due time is moved, so that it does not stand before the other.
void Scheduler::Strand::give_back_lane(Lane& lane) {
  const Slot slot = lane.slot;
  const bool blocked = lane.dock && is_blocked(*lane.dock);
  const bool is_mixed = summaries_[slot].lanes != &lane || lane.next;
  while (!lane.flows.empty()) {
    auto parcel = take_out(*lane.flows.front()->first);
    if (!blocked || !is_mixed) {
      give_back(std::move(parcel));
      continue;
    }
    const Carried from{.id = parcel->id,
                       .envelope = parcel->envelope,
                       .slot = slot,
                       .from_disk = parcel->from_disk,
                       .begun = now_};
    const auto until = lane.dock->health.given_up_until();
    const base::UtcTime due = until ? std::min(in_utc(*until), now_.utc + kPostponed) : now_.utc + kPostponed;
    for (const std::uint32_t index : parcel->recipients) postpone(from, index, std::max(due, now_.utc));
    leave_flow(*parcel);
  }
  if (blocked && !is_mixed) park(slot, lane.dock->id);
  rest(lane);
  consider(slot);
}

void Scheduler::Strand::give_back_all() {
  for (Lane* lane : lanes_in_order()) give_back_lane(*lane);
}

void Scheduler::Strand::postpone(const Carried& from, std::uint32_t index, base::UtcTime due) {
  window_[{from.id, index}] = nullptr;
  Decided one{.envelope = from.envelope,
              .update = {.id = {from.id, index}, .due = due, .outcome = {}, .attempted = false},
              .outcome = {},
              .slot = from.slot,
              .from_disk = from.from_disk,
              .quiet = true};
  decided(std::move(one));
}

// Before anything is claimed again: what was given back must be there.
void Scheduler::Strand::flush_unclaims() {
  if (!unclaims_.empty()) parts_.backlog.unclaim(std::exchange(unclaims_, {}));
}

}  // namespace postrider::queue
