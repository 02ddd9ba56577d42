// What an operator wants: changes of single recipients, and suspensions.
#include <algorithm>
#include <utility>

#include "queue/notice.hpp"
#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

std::string_view name_of_change(Change change) {
  switch (change) {
    case Change::retry:
      return "retry";
    case Change::hold:
      return "hold";
    case Change::release:
      return "release";
    case Change::bounce:
      return "bounce";
    case Change::remove:
      break;
  }
  return "remove";
}

std::string with_reason(std::string text, const std::string& reason) {
  return reason.empty() ? text : text + ": " + reason;
}

}  // namespace

// What a claim that is under way may be bringing can't be judged by what the disk said before.
bool Scheduler::Strand::waits_for_claim(const std::vector<store::Claimed>& messages) const {
  if (claims_.empty() && expiring_.empty()) return false;
  std::string scratch;
  for (const store::Claimed& message : messages) {
    for (const std::uint32_t index : message.recipients) {
      if (expiring_.contains({message.id, index})) return true;
      const Slot slot = summaries_.find(name_of(message.envelope->recipients[index].final.host(), scratch));
      if (slot != kNoSlot && summaries_[slot].claiming) return true;
    }
  }
  return false;
}

void Scheduler::Strand::rerun_changes() {
  for (auto& again : std::exchange(postponed_, {})) again();
}

void Scheduler::Strand::change(std::vector<store::Claimed> messages, Change change, std::string reason,
                               std::move_only_function<void(base::Result<Changed>)> done) {
  if (waits_for_claim(messages)) {
    postponed_.push_back([this, messages = std::move(messages), change, reason = std::move(reason),
                          done = std::move(done)]() mutable {
      this->change(std::move(messages), change, std::move(reason), std::move(done));
    });
    return;
  }
  const Operation operation{change, std::move(reason)};
  Changed count;
  for (const store::Claimed& message : messages) {
    for (const std::uint32_t index : message.recipients) {
      const auto here = window_.find({message.id, index});
      if (here != window_.end()) {
        change_in_memory({message.id, index}, here->second, operation, count);
      } else if (change_on_disk(message, index, operation)) {
        ++count.changed;
      } else {
        ++count.unfit;
      }
    }
  }
  decided_.then.push_back(
      [count, done = std::move(done)](const base::Result<void>&) mutable { done(count); });
}

void Scheduler::Strand::change_in_memory(store::RecipientId id, Parcel* parcel, const Operation& operation,
                                         Changed& count) {
  if (!parcel || parcel->running) {  // the attempt's outcome comes first
    wishes_.insert_or_assign(id, operation);
    ++count.busy;
    return;
  }
  if (operation.change == Change::release) {
    ++count.unfit;
    return;
  }
  ++count.changed;
  const Slot slot = parcel->lane->slot;
  if (operation.change == Change::retry) {
    note_change(id, operation);
    return try_site_again(slot);
  }
  Decided one{.envelope = parcel->envelope,
              .update = {.id = id, .attempted = false},
              .outcome = {},
              .slot = slot,
              .from_disk = parcel->from_disk};
  take_recipient(*parcel, id.index);
  window_[id] = nullptr;
  apply_change(one, operation);
  decided(std::move(one));
}

// One recipient of a job that waits; the job goes with its last.
void Scheduler::Strand::take_recipient(Parcel& parcel, std::uint32_t index) {
  Lane& lane = *parcel.lane;
  auto whole = take_out(parcel);
  std::erase(whole->recipients, index);
  if (whole->recipients.empty()) {
    leave_flow(*whole);
    return rest(lane);
  }
  --whole->flow->parcels;  // enqueue() counts it again
  enqueue(std::move(whole));
}

// It is ours until that is recorded: a claim that finds it meanwhile does not bring it in.
bool Scheduler::Strand::change_on_disk(const store::Claimed& message, std::uint32_t index,
                                       const Operation& operation) {
  const mail::Recipient& recipient = message.envelope->recipients[index];
  if (!fits(operation.change, recipient.state)) return false;
  std::string scratch;
  const Slot slot = summaries_.intern(name_of(recipient.final.host(), scratch));
  window_[{message.id, index}] = nullptr;
  ++summaries_[slot].in_memory;
  Decided one{.envelope = message.envelope,
              .update = {.id = {message.id, index}, .attempted = false},
              .outcome = {},
              .slot = slot,
              .on_disk = true};
  ++changing_;
  apply_change(one, operation);
  decided(std::move(one));
  if (operation.change == Change::retry) try_site_again(slot);
  return true;
}

void Scheduler::Strand::apply_change(Decided& one, const Operation& operation) {
  const mail::Recipient& recipient = one.envelope->recipients[one.update.id.index];
  mail::Outcome outcome{.reply = {}, .relay = "operator", .detail = {}, .at = now_.utc};
  one.quiet = false;
  const bool lets_go = operation.change == Change::release || operation.change == Change::bounce;
  if (lets_go && is_held_end(recipient)) {
    one.update.state = mail::RecipientState::untold;
    one.quiet = true;
    return note_change(one.update.id, operation);
  }
  switch (operation.change) {
    case Change::retry:
    case Change::release:
      one.update.state = mail::RecipientState::waiting;
      one.update.due = now_.utc;
      one.quiet = !one.update.attempted;
      break;
    case Change::hold:
      outcome.reply = mail::reply(451, 7, 0, with_reason("held by an operator", operation.reason));
      one.update.state = mail::RecipientState::held;
      one.outcome = std::move(outcome);
      break;
    case Change::bounce:
      outcome.action = mail::Action::failed;
      outcome.reply = mail::reply(550, 7, 0, with_reason("returned by an operator", operation.reason));
      one.told_nobody = nobody_to_tell(*one.envelope, recipient);
      one.update.state = mail::RecipientState::untold;
      if (one.told_nobody) one.update.state.reset();
      one.outcome = std::move(outcome);
      break;
    case Change::remove:
      outcome.action = mail::Action::discarded;
      outcome.reply = mail::reply(250, 7, 0, with_reason("removed by an operator", operation.reason));
      one.update.state.reset();
      one.outcome = std::move(outcome);
  }
  note_change(one.update.id, operation);
}

void Scheduler::Strand::note_change(store::RecipientId id, const Operation& operation) {
  store::Event event{.message = id.message,
                     .recipient = id.index,
                     .at = now_.utc,
                     .kind = store::EventKind::changed,
                     .facts = {{"change", std::string(name_of_change(operation.change))}},
                     .addresses = {}};
  if (!operation.reason.empty()) event.facts.push_back({"reason", operation.reason});
  decided_.events.push_back(std::move(event));
}

// What was wanted while it was under attempt; an end stays one.
void Scheduler::Strand::apply_wish(Decided& one) {
  const auto wish = wishes_.find(one.update.id);
  if (wish == wishes_.end()) return;
  const Operation operation = std::move(wish->second);
  wishes_.erase(wish);
  if (one.update.state == mail::RecipientState::waiting) apply_change(one, operation);
}

// The same, where the wish came while it was being recorded; it is on the disk now.
void Scheduler::Strand::wish_after_record(const Decided& recorded) {
  const auto wish = wishes_.find(recorded.update.id);
  if (wish == wishes_.end()) return;
  const Operation operation = std::move(wish->second);
  wishes_.erase(wish);
  auto envelope = std::make_shared<mail::Envelope>(*recorded.envelope);
  if (!recorded.update.state) return;
  envelope->recipients[recorded.update.id.index].state = *recorded.update.state;
  const store::Claimed message{recorded.update.id.message, std::move(envelope), {}};
  change_on_disk(message, recorded.update.id.index, operation);
}

void Scheduler::Strand::try_site_again(Slot slot) {
  Dock* const dock = dock_of(summaries_[slot]);
  if (!dock || !dock->health.given_up_until()) return;
  dock->health.try_again(now_.steady);
  ready(*dock);
  call_parked(*dock);
}

void Scheduler::Strand::load_suspensions() {
  asking_suspensions_ = true;
  parts_.backlog.suspensions(post([this](base::Result<std::vector<store::Suspension>> all) {
    asking_suspensions_ = false;
    if (!all) {
      sys::log::warning("suspensions_failed", {{"reason", all.error().log_text()}});
      ask_suspensions_ = now_.steady + kStorePause;
      return;
    }
    for (const store::Suspension& early : suspensions_.all())
      if (std::ranges::find(*all, early.id, &store::Suspension::id) == all->end()) all->push_back(early);
    suspensions_.set(std::move(*all));
    suspensions_known_ = true;
    suspensions_changed();
  }));
}

void Scheduler::Strand::suspend(store::Suspension suspension,
                                std::move_only_function<void(base::Result<std::uint64_t>)> done) {
  store::Suspension kept = suspension;
  parts_.backlog.suspend(
      std::move(suspension),
      post([this, kept = std::move(kept), done = std::move(done)](base::Result<std::uint64_t> id) mutable {
        if (id) {
          kept.id = *id;
          suspensions_.add(std::move(kept));
          suspensions_changed();
        }
        done(std::move(id));
      }));
}

void Scheduler::Strand::resume(std::uint64_t id, std::move_only_function<void(base::Result<void>)> done) {
  parts_.backlog.resume(id, post([this, id, done = std::move(done)](base::Result<void> result) mutable {
                          if (result && suspensions_.remove(id)) suspension_ended();
                          done(std::move(result));
                        }));
}

// Those whose time is over.
void Scheduler::Strand::end_suspensions() {
  if (!suspensions_known_ || stop_by_) return;
  if (!ended_.empty() && now_.steady >= end_again_) remove_ended();
  if (now_.utc < suspensions_.next_end()) return;
  for (const std::uint64_t id : suspensions_.over(now_.utc)) {
    suspensions_.remove(id);
    ended_.push_back(id);
  }
  remove_ended();
  suspension_ended();
}

void Scheduler::Strand::suspension_ended() {
  counts_from_ = now_.steady;
  suspensions_changed();
}

// From the disk; again after a while, should it not take that.
void Scheduler::Strand::remove_ended() {
  for (const std::uint64_t id : std::exchange(ended_, {})) {
    parts_.backlog.resume(id, post([this, id](base::Result<void> result) {
                            if (result) return;
                            ended_.push_back(id);
                            end_again_ = now_.steady + kStorePause;
                          }));
  }
}

// What waits in memory and may not go is given back, what waited for it is looked at again.
void Scheduler::Strand::suspensions_changed() {
  for (Dock* dock : docks_in_order()) {
    dock->suspended = suspensions_.of_site(dock->name) != nullptr;
    ready(*dock);
    if (dock->suspended)
      while (!dock->waits.empty()) give_back_lane(*dock->waits.front());
  }
  for (Lane* lane : lanes_in_order()) {
    if (lane->waiting == 0) continue;
    if (suspensions_.everything() || suspensions_.of_destination(summaries_[lane->slot].name))
      give_back_lane(*lane);
    else if (suspensions_.has_senders())
      postpone_suspended(*lane);
  }
  unpark_suspended();
  for (Dock* dock : docks_in_order()) call_parked(*dock);
}

void Scheduler::Strand::postpone_suspended(Lane& lane) {
  std::vector<Parcel*> all;
  lane.flows.each([&](const Flow& flow) {
    if (!suspensions_.of_sender(flow.sender)) return;
    for (Parcel* one = flow.first; one; one = one->behind) all.push_back(one);
  });
  for (Parcel* one : all) {
    const auto parcel = take_out(*one);
    const Carried from{.id = parcel->id,
                       .envelope = parcel->envelope,
                       .slot = lane.slot,
                       .from_disk = parcel->from_disk,
                       .begun = now_};
    for (const std::uint32_t index : parcel->recipients) may_not_yet(from, index);
    leave_flow(*parcel);
  }
  if (!all.empty()) rest(lane);
}

std::vector<Dock*> Scheduler::Strand::docks_in_order() const {
  std::vector<Dock*> all;
  for (const auto& [id, dock] : docks_) all.push_back(dock.get());
  std::ranges::sort(all, {}, &Dock::id);
  return all;
}

std::vector<Lane*> Scheduler::Strand::lanes_in_order() {
  std::vector<Lane*> all;
  for (Slot slot = 0; slot < summaries_.end(); ++slot)
    for (Lane* lane = summaries_[slot].lanes; lane; lane = lane->next) all.push_back(lane);
  return all;
}

}  // namespace postrider::queue
