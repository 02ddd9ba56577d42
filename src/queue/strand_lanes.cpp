// Lanes, the sites they lead to, and how long each is kept when there is nothing in it.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "queue/strand.hpp"

namespace postrider::queue {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// What a courier said of a destination's site serves so long; that it can't be located, so long.
constexpr base::Milliseconds kLocated = minutes(1);
constexpr base::Milliseconds kTrouble = seconds(10);
// Questions under way at a time: each may be several of the resolver's. Of these, so many for destinations that could not
// be located the last time, since these take longest.
constexpr std::size_t kLocating = 200;
constexpr std::size_t kLocatingAgain = 100;
// Kept although nothing is in it, so that the next message does not ask again; and how many at most.
constexpr base::Milliseconds kIdleLane = minutes(1);
constexpr std::size_t kIdleLanes = 10'000;
// A site's concurrency and its failures are remembered so long after its last message.
constexpr base::Milliseconds kIdleDock = minutes(15);
constexpr std::size_t kIdleDocks = 20'000;
// Lanes and sites that are looked at in one step.
constexpr std::size_t kEvictions = 100;

}  // namespace

std::size_t FlowHash::operator()(const FlowName& name) const noexcept {
  std::size_t hash = name.lane->id * 0x9E3779B97F4A7C15u + static_cast<std::uint8_t>(name.priority);
  if (name.sender.is_null()) return hash;
  const mail::Address& address = name.sender.address();
  hash ^= std::hash<std::string>{}(address.local());
  if (const auto* domain = address.domain()) hash = hash * 31 + std::hash<std::string>{}(domain->ascii());
  return hash;
}

Lane& Scheduler::Strand::lane_for(Slot slot, const Router::Choice& choice, const mail::Host& host) {
  Summary& summary = summaries_[slot];
  for (Lane* lane = summary.lanes; lane; lane = lane->next) {
    if (lane->carrier->courier != choice.courier) continue;
    const auto& route = lane->destination.route;
    if (route == choice.route || *route == *choice.route) return *lane;
  }
  Lane* lane = new Lane({.host = host, .route = choice.route});
  lane->slot = slot;
  lane->id = ++lane_ids_;
  lane->carrier = &carrier_for(choice.courier);
  lane->next = std::exchange(summary.lanes, lane);
  return *lane;
}

Carrier& Scheduler::Strand::carrier_for(Courier* courier) {
  for (const auto& carrier : carriers_)
    if (carrier->courier == courier) return *carrier;
  carriers_.push_back(std::make_unique<Carrier>());
  carriers_.back()->courier = courier;
  return *carriers_.back();
}

Flow& Scheduler::Strand::flow_for(Lane& lane, const mail::Envelope& envelope) {
  const auto found = flows_.find(FlowName{&lane, envelope.reverse_path, envelope.priority});
  if (found != flows_.end()) return **found;
  auto flow = std::make_unique<Flow>();
  flow->lane = &lane;
  flow->sender = envelope.reverse_path;
  flow->priority = envelope.priority;
  return **flows_.insert(std::move(flow)).first;
}

Dock* Scheduler::Strand::dock_by_id(std::uint32_t id) const {
  if (id == kNoSite) return nullptr;
  const auto found = docks_.find(id);
  return found == docks_.end() ? nullptr : found->second.get();
}

Dock& Scheduler::Strand::dock_for(Carrier& carrier, const Site& site) {
  Dock*& dock = docks_by_name_[{&carrier, site.name}];
  if (!dock) {
    auto made = std::make_unique<Dock>();
    made->id = dock_ids_++;
    made->name = site.name;
    made->carrier = &carrier;
    made->suspended = suspensions_.of_site(site.name) != nullptr;
    dock = made.get();
    docks_.emplace(made->id, std::move(made));
  }
  dock->health.set_max(site.concurrency);
  dock->rate.set(site.max_per_minute);
  return *dock;
}

// Nothing is begun there now, and nothing for it is kept in memory.
bool Scheduler::Strand::is_blocked(const Dock& dock) const {
  return dock.suspended || dock.health.is_given_up(now_.steady);
}

// What its courier said last does not serve any more.
bool Scheduler::Strand::is_stale(const Lane& lane) const {
  if (!lane.dock && !lane.trouble) return true;
  // A failure of before the clock was set proves nothing after it.
  if (lane.trouble && lane.located < counts_from_) return true;
  return lane.located_with != configuration_ ||
         now_.steady >= lane.located + (lane.dock ? kLocated : kTrouble);
}

void Scheduler::Strand::locate_if_needed(Lane& lane) {
  if (lane.locating || !is_stale(lane)) return;
  lane.locating = true;
  (lane.trouble ? to_locate_again_ : to_locate_).push_back(&lane);
}

void Scheduler::Strand::send_locates() {
  while (!stop_by_ && locating_ < kLocating) {
    const bool again = !to_locate_again_.empty() && locating_again_ < kLocatingAgain;
    if (!again && to_locate_.empty()) return;
    auto& from = again ? to_locate_again_ : to_locate_;
    Lane& lane = *from.front();
    from.pop_front();
    ++locating_;
    if (again) ++locating_again_;
    lane.asked = now_;
    lane.located_with = configuration_;
    lane.carrier->courier->locate(lane.destination,
                                  post([this, &lane](Located answer) { located(lane, std::move(answer)); }));
  }
}

void Scheduler::Strand::located(Lane& lane, Located answer) {
  --locating_;
  if (lane.trouble) --locating_again_;
  lane.locating = false;
  lane.located = now_.steady;
  if (!answer) {
    detach(lane);
    lane.trouble = std::make_unique<mail::Outcome>(std::move(answer.error()));
    conclude_lane(lane);
  } else {
    lane.trouble.reset();
    attach(lane, dock_for(*lane.carrier, *answer));
  }
  rest(lane);
  Dock* const called_by =
      summaries_[lane.slot].called ? dock_by_id(summaries_[lane.slot].parked_at) : nullptr;
  uncall(lane.slot);
  consider(lane.slot);
  if (called_by) call_parked(*called_by);
}

void Scheduler::Strand::attach(Lane& lane, Dock& dock) {
  if (lane.dock != &dock) {
    detach(lane);
    lane.dock = &dock;
    ++dock.lanes;
    dock.waiting += lane.waiting;
  }
  Summary& summary = summaries_[lane.slot];
  summary.site = dock.id;
  if (summary.parked && summary.parked_at != dock.id && summary.parked_at != kNoSite) unpark(lane.slot);
  if (is_blocked(dock)) return give_back_lane(lane);
  if (!lane.flows.empty()) dock.waits.add(lane);
  ready(dock);
}

void Scheduler::Strand::detach(Lane& lane) {
  Dock* const dock = std::exchange(lane.dock, nullptr);
  if (!dock) return;
  dock->waits.remove(lane);
  dock->waiting -= lane.waiting;
  --dock->lanes;
  Summary& summary = summaries_[lane.slot];
  if (summary.site == dock->id && !summary.parked) summary.site = kNoSite;
  call_parked(*dock);
  rest(*dock);
}

// Nothing in it can be tried: its site can't be told.
void Scheduler::Strand::conclude_lane(Lane& lane) {
  while (!lane.flows.empty()) {
    const auto parcel = take_out(*lane.flows.front()->first);
    const Carried from{.id = parcel->id,
                       .envelope = parcel->envelope,
                       .slot = lane.slot,
                       .from_disk = parcel->from_disk,
                       .begun = lane.asked};
    for (const std::uint32_t index : parcel->recipients) conclude(from, index, *lane.trouble);
    leave_flow(*parcel);
  }
}

// It may be idle now; if so, it is forgotten after a while.
void Scheduler::Strand::rest(Lane& lane) {
  if (lane.waiting > 0 || lane.running > 0 || lane.locating) return;
  lane.idle = now_.steady;
  if (!std::exchange(lane.in_idle, true)) idle_lanes_.push_back({now_.steady, &lane});
}

void Scheduler::Strand::rest(Dock& dock) {
  if (dock.lanes > 0 || dock.running > 0 || dock.parked.count > 0) return;
  dock.idle = now_.steady;
  if (!std::exchange(dock.in_idle, true)) idle_docks_.push_back({now_.steady, &dock});
}

void Scheduler::Strand::evict() {
  for (std::size_t left = kEvictions; left > 0 && !idle_lanes_.empty(); --left) {
    const auto [since, lane] = idle_lanes_.front();
    const bool too_many = idle_lanes_.size() > kIdleLanes;
    if (!too_many && now_.steady < since + kIdleLane) break;
    idle_lanes_.pop_front();
    lane->in_idle = false;
    if (lane->waiting > 0 || lane->running > 0 || lane->locating) continue;
    if (too_many || now_.steady >= lane->idle + kIdleLane) {
      drop(*lane);
    } else {
      rest(*lane);
    }
  }
  for (std::size_t left = kEvictions; left > 0 && !idle_docks_.empty(); --left) {
    const auto [since, dock] = idle_docks_.front();
    const bool too_many = idle_docks_.size() > kIdleDocks;
    if (!too_many && now_.steady < since + kIdleDock) break;
    idle_docks_.pop_front();
    dock->in_idle = false;
    if (dock->lanes > 0 || dock->running > 0 || dock->parked.count > 0) continue;
    if (too_many || now_.steady >= dock->idle + kIdleDock) {
      drop(*dock);
    } else {
      rest(*dock);
    }
  }
}

void Scheduler::Strand::drop(Lane& lane) {
  const Slot slot = lane.slot;
  Summary& summary = summaries_[slot];
  Lane** link = &summary.lanes;
  while (*link != &lane) link = &(*link)->next;
  *link = lane.next;
  Dock* const dock = std::exchange(lane.dock, nullptr);
  delete &lane;
  if (dock) {
    --dock->lanes;
    rest(*dock);
  }
  forget_if_done(slot);
}

void Scheduler::Strand::drop(Dock& dock) {
  timers_.erase({dock.wake, dock.id});
  docks_by_name_.erase({dock.carrier, dock.name});
  docks_.erase(dock.id);
}

}  // namespace postrider::queue
