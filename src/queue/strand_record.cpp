// What became of each recipient: decided, recorded, and only then told.
#include <algorithm>
#include <iterator>
#include <utility>

#include "queue/counts.hpp"
#include "queue/outcome_log.hpp"
#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

// A wall clock that moved so much more or less than the steady one while an attempt ran was set by somebody.
constexpr base::Milliseconds kClockJump = std::chrono::hours(1);

}  // namespace

void Scheduler::Strand::conclude(const Carried& from, std::uint32_t index, mail::Outcome outcome) {
  if (outcome.at == base::UtcTime{}) outcome.at = now_.utc;
  const auto wall = now_.utc - from.begun.utc;
  const auto steady = std::chrono::duration_cast<base::Milliseconds>(now_.steady - from.begun.steady);
  const bool waits_on = outcome.action == mail::Action::deferred;
  Decision decision = decide({.envelope = *from.envelope,
                              .recipient = from.envelope->recipients[index],
                              .now = now_.utc,
                              .clock_jumped = std::chrono::abs(wall - steady) > kClockJump,
                              .random = waits_on ? chance() : 0.5},
                             std::move(outcome), settings_->queue);
  Decided one{.envelope = from.envelope,
              .update = {.id = {from.id, index}, .due = decision.due, .attempted = from.attempted},
              .outcome = std::move(decision.outcome),
              .slot = from.slot,
              .from_disk = from.from_disk,
              .told_nobody = decision.told_nobody};
  if (decision.next == Next::untold) one.update.state = mail::RecipientState::untold;
  if (decision.next == Next::remove) one.update.state.reset();
  window_[one.update.id] = nullptr;
  if (!wishes_.empty()) apply_wish(one);
  decided(std::move(one));
}

void Scheduler::Strand::hold(const Carried& from, std::uint32_t index, const mail::Outcome& why) {
  Decided one{.envelope = from.envelope,
              .update = {.id = {from.id, index}, .state = mail::RecipientState::held},
              .outcome = why,
              .slot = from.slot,
              .from_disk = from.from_disk};
  one.outcome.at = now_.utc;
  window_[one.update.id] = nullptr;
  decided(std::move(one));
}

void Scheduler::Strand::decided(Decided one) { decided_.all.push_back(std::move(one)); }

void Scheduler::Strand::record_decided() {
  if (decided_.empty() || (recording_fails_ && now_.steady < record_after_)) return;
  Batch batch = std::exchange(decided_, {});
  std::vector<store::RecipientUpdate> updates;
  updates.reserve(batch.all.size());
  for (Decided& one : batch.all) {
    // Of what goes nothing is kept.
    if (one.update.state && !one.quiet) one.update.outcome = one.outcome;
    updates.push_back(one.update);
  }
  ++recording_;
  parts_.backlog.record(std::move(updates),
                        post([this, batch = std::move(batch)](base::Result<void> result) mutable {
                          recorded(std::move(batch), result);
                        }));
}

void Scheduler::Strand::recorded(Batch batch, const base::Result<void>& result) {
  --recording_;
  if (!result) {
    if (!recording_fails_) sys::log::error("record_failed", {{"reason", result.error().log_text()}});
    recording_fails_ = true;
    record_after_ = now_.steady + kStorePause;
    std::move(decided_.all.begin(), decided_.all.end(), std::back_inserter(batch.all));
    std::move(decided_.events.begin(), decided_.events.end(), std::back_inserter(batch.events));
    std::move(decided_.then.begin(), decided_.then.end(), std::back_inserter(batch.then));
    decided_ = std::move(batch);
    return;
  }
  recording_fails_ = false;
  for (store::Event& event : batch.events) note(std::move(event));
  for (const Decided& one : batch.all) {
    if (one.on_disk) --changing_;
    if (!one.quiet) tell_of(one);
    if (window_.erase(one.update.id) > 0) disown(one.slot, 1, one.from_disk);
    if (one.update.state == mail::RecipientState::untold) untold_appeared();
    if (one.envelope->deliver_by) recorded_deadline(one);
    if (one.update.state == mail::RecipientState::waiting) {
      due_at(one.slot, one.update.due);
    } else {
      consider(one.slot);
    }
    if (!wishes_.empty()) wish_after_record(one);
  }
  for (auto& then : batch.then) then(result);
}

// The log's line and the timeline's event.
void Scheduler::Strand::tell_of(const Decided& one) {
  const mail::Recipient& recipient = one.envelope->recipients[one.update.id.index];
  const bool held = one.update.state == mail::RecipientState::held;
  const bool waits = one.update.state == mail::RecipientState::waiting;
  counts::outcomes.count(held ? counts::kHeld : counts::place_of(one.outcome.action));
  log_outcome({.id = one.update.id.message,
               .envelope = *one.envelope,
               .recipient = recipient,
               .outcome = one.outcome,
               .held = held,
               .told_nobody = one.told_nobody,
               .next = one.update.due});
  store::Event event{.message = one.update.id.message,
                     .recipient = one.update.id.index,
                     .at = one.outcome.at,
                     .kind = waits || held ? store::EventKind::deferred : store::EventKind::ended,
                     .facts = {},
                     .addresses = {}};
  event.facts = {{"to", recipient.final.to_string()},
                 {"state", held ? "held" : std::string(mail::to_string(one.outcome.action))},
                 {"reply", reply_text(one.outcome.reply)}};
  if (!one.outcome.relay.empty()) event.facts.push_back({"relay", one.outcome.relay});
  if (!one.outcome.detail.empty()) event.facts.push_back({"detail", one.outcome.detail});
  if (waits) event.facts.push_back({"next", base::to_rfc3339(one.update.due)});
  if (one.told_nobody) event.facts.push_back({"told", "nobody"});
  // Of more than one it is not known here which are still open.
  event.last = !one.update.state && one.envelope->recipients.size() == 1;
  note(std::move(event));
}

void Scheduler::Strand::note_attempts(const Parcel& parcel, const std::vector<Trial>& trials) {
  for (const Trial& trial : trials) {
    store::Event event{.message = parcel.id,
                       .recipient = {},
                       .at = now_.utc,
                       .kind = store::EventKind::attempt,
                       .facts = {},
                       .addresses = {}};
    if (parcel.recipients.size() == 1) event.recipient = parcel.recipients.front();
    event.facts = {{"site", parcel.dock->name}};
    const auto add = [&event](std::string_view name, const std::string& value) {
      if (!value.empty()) event.facts.push_back({name, value});
    };
    add("host", trial.host);
    add("address", trial.address);
    add("tls", trial.tls);
    add("took", seconds(trial.took));
    add("result", trial.result);
    add("transcript", trial.transcript);
    decided_.events.push_back(std::move(event));
  }
}

}  // namespace postrider::queue
