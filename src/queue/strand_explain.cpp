// What the queue looks like from outside: sites, destinations, and why something waits.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "queue/notice.hpp"
#include "queue/outcome_log.hpp"
#include "queue/strand.hpp"

namespace postrider::queue {
namespace {

constexpr std::size_t kNames = 100;  // of destinations, in a SiteState

std::string suspended_text(std::string_view what, const store::Suspension& one) {
  return fmt::format("{} is suspended{}{}", what, one.reason.empty() ? "" : ": ", one.reason);
}

// The zero that nearly all have is not worth a word.
std::string priority_text(const mail::Envelope& envelope) {
  return envelope.priority == 0 ? std::string() : fmt::format(", its priority is {}", envelope.priority);
}

std::string last_text(const mail::Recipient& recipient) {
  return recipient.last ? ": " + reply_text(recipient.last->reply) : std::string();
}

}  // namespace

base::UtcTime Scheduler::Strand::in_utc(base::SteadyTime time) const {
  return now_.utc + std::chrono::ceil<base::Milliseconds>(time - now_.steady);
}

std::vector<SiteState> Scheduler::Strand::sites() {
  std::map<std::pair<std::string, std::uint32_t>, std::pair<const Dock*, SiteState>> by_name;
  std::unordered_map<const Dock*, SiteState*> states;
  for (const auto& [id, dock] : docks_) {
    const auto until = dock->health.given_up_until();
    if (dock->waiting == 0 && dock->running == 0 && dock->parked.count == 0 && !until) continue;
    SiteState state;
    state.name = dock->name;
    state.running = dock->running;
    state.max_concurrency = dock->health.max();
    state.concurrency = is_blocked(*dock) ? 0 : until ? 1 : dock->health.allowed();
    state.max_per_minute = dock->rate.per_minute();
    state.in_memory = dock->waiting;
    if (until && is_blocked(*dock)) state.given_up_until = in_utc(*until);
    if (dock->failure) state.last_failure = reply_text(dock->failure->reply);
    auto& made = by_name[{dock->name, id}] = {dock.get(), std::move(state)};
    states[dock.get()] = &made.second;
  }
  for (Slot slot = 0; slot < summaries_.end(); ++slot) {
    const Summary& summary = summaries_[slot];
    const auto state = states.find(dock_of(summary));
    if (state == states.end()) continue;
    if (summary.in_memory == 0 && !summary.parked && !state->second->given_up_until) continue;
    auto& names = state->second->destinations;
    if (names.size() < kNames) names.push_back(summary.name);
  }
  std::vector<SiteState> all;
  for (auto& [name, state] : by_name) {
    std::ranges::sort(state.second.destinations);
    all.push_back(std::move(state.second));
  }
  return all;
}

std::vector<std::string> Scheduler::Strand::destinations_of(const std::string& site) {
  std::vector<std::string> names;
  for (Slot slot = 0; slot < summaries_.end(); ++slot) {
    const Summary& summary = summaries_[slot];
    const Dock* dock = dock_of(summary);
    if (dock && dock->name == site) names.push_back(summary.name);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Scheduler::Strand::without_site(std::vector<std::string> names) const {
  std::erase_if(names, [this](const std::string& name) {
    const Slot slot = summaries_.find(name);
    return slot != kNoSlot && dock_of(summaries_[slot]);
  });
  return names;
}

std::vector<Whereto> Scheduler::Strand::whereto(const std::vector<store::Claimed>& samples) {
  std::vector<Whereto> all;
  for (const store::Claimed& sample : samples) {
    const mail::Recipient& recipient = sample.envelope->recipients[sample.recipients.front()];
    auto choice = parts_.router.choose(*sample.envelope, recipient);
    if (!choice.courier) continue;
    all.push_back({.name = mail::to_ascii(recipient.final.host()),
                   .courier = choice.courier,
                   .destination = {.host = recipient.final.host(), .route = std::move(choice.route)}});
  }
  return all;
}

std::vector<Waiting> Scheduler::Strand::explain(const store::Claimed& message) {
  std::vector<Waiting> all;
  for (const std::uint32_t index : message.recipients) {
    const auto here = window_.find({message.id, index});
    Waiting one = here == window_.end() ? explain_on_disk(message, index) : explain_in_memory(here->second);
    one.recipient = index;
    all.push_back(std::move(one));
  }
  return all;
}

Waiting Scheduler::Strand::explain_in_memory(const Parcel* parcel) {
  if (!parcel) return {.why = "decided; it is being recorded", .until = {}};
  if (parcel->running)
    return {.why = fmt::format("under attempt at {} since {}", parcel->dock->name,
                               base::to_rfc3339(parcel->begun.utc)),
            .until = {}};
  const Lane& lane = *parcel->lane;
  if (!lane.dock) return {.why = "it is being asked which site its domain has now", .until = {}};
  const Dock& dock = *lane.dock;
  std::size_t before = 0;
  for (const Parcel* one = parcel->before; one; one = one->before) ++before;
  Waiting waiting{.why = fmt::format("in memory, waits for its turn at {}: {} of {} attempts under way, {} "
                                     "recipients wait there, {} messages of its sender before it{}",
                                     dock.name, dock.running, dock.health.allowed(), dock.waiting, before,
                                     priority_text(*parcel->envelope)),
                  .until = {}};
  if (const auto next = dock.rate.next(now_.steady); next > now_.steady) {
    waiting.why += fmt::format("; at most {} a minute", dock.rate.per_minute());
    waiting.until = in_utc(next);
  }
  return waiting;
}

Waiting Scheduler::Strand::explain_on_disk(const store::Claimed& message, std::uint32_t index) {
  const mail::Recipient& recipient = message.envelope->recipients[index];
  if (is_held_end(recipient))
    return {.why = "it has its end; held, so that its sender is not told yet" + last_text(recipient),
            .until = {}};
  if (recipient.state == mail::RecipientState::held)
    return {.why = "held" + last_text(recipient), .until = {}};
  if (recipient.state == mail::RecipientState::untold)
    return {.why = "it has its end, and its sender is being told" + last_text(recipient), .until = {}};
  if (is_held_until(*message.envelope, now_.utc))
    return {.why = "its sender asked that it is not sent before then (FUTURERELEASE)",
            .until = message.envelope->hold_until};
  const std::string name = mail::to_ascii(recipient.final.host());
  const Slot slot = summaries_.find(name);
  const Dock* dock = slot == kNoSlot ? nullptr : dock_of(summaries_[slot]);
  if (const auto* all = suspensions_.everything())
    return {.why = suspended_text("everything", *all), .until = all->until};
  if (const auto* here = suspensions_.of_destination(name))
    return {.why = suspended_text("its destination", *here), .until = here->until};
  if (const auto* sender = suspensions_.of_sender(message.envelope->reverse_path))
    return {.why = suspended_text("its sender", *sender), .until = sender->until};
  if (const auto* site = dock ? suspensions_.of_site(dock->name) : nullptr)
    return {.why = suspended_text("its site " + dock->name, *site), .until = site->until};
  if (dock && dock->health.is_given_up(now_.steady)) {
    const base::UtcTime until = in_utc(*dock->health.given_up_until());
    if (recipient.due <= until)
      return {.why = fmt::format("its site {} is given up until then: {}", dock->name,
                                 dock->failure ? reply_text(dock->failure->reply) : "no answer"),
              .until = until};
  }
  if (recipient.due > now_.utc)
    return {.why = "waits for its next attempt" + last_text(recipient), .until = recipient.due};
  if (loading_) return {.why = "due; the queue is being read after the start", .until = {}};
  return {.why = "due; waits on the disk behind others of its destination", .until = {}};
}

}  // namespace postrider::queue
