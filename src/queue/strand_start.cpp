// Attempts: which begins when, and what each says of its site.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "queue/counts.hpp"
#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

// Jobs that one courier has at a time. Above what any batch takes, so that the next batch is ready when one
// ends; low enough that a stop within its ten seconds is likely.
constexpr std::uint32_t kJobsPerCourier = 2000;
// Of these, to sites that were not reached the last time: many dead ones leave room for those that live.
constexpr std::uint32_t kUnprovenPerCourier = 1500;
// Turns go by what a job costs: its octets, and as much again as a small message whatever its size.
constexpr std::int64_t kJobCost = 16 << 10;
constexpr std::int64_t kQuantum = 32 << 10;
// What is larger costs no more: it takes its time on the wire, but others would wait too long for it.
constexpr std::uint64_t kDearest = 1u << 20;

std::int64_t cost(const Parcel& parcel) {
  return kJobCost + static_cast<std::int64_t>(std::min(parcel.envelope->size, kDearest));
}
std::int64_t cost_of(const Flow& flow) { return cost(*flow.first); }

}  // namespace

// Puts it among those that may begin an attempt now, or takes it out; or sets its timer.
void Scheduler::Strand::ready(Dock& dock) {
  bool can = !dock.waits.empty() && !dock.suspended && dock.health.may_begin(now_.steady, dock.running);
  if (can) {
    const base::SteadyTime next = dock.rate.next(now_.steady);
    can = next <= now_.steady;
    if (!can) wake_at(dock, next);
  }
  const std::uint8_t ring = dock.health.is_proven() ? 0 : 1;
  if (dock.waits_in_ring() && (!can || dock.ring != ring)) dock.carrier->ready[dock.ring].remove(dock);
  if (!can) return;
  dock.ring = ring;
  dock.carrier->ready[ring].add(dock);
}

// Then, or earlier where it is to be woken earlier.
void Scheduler::Strand::wake_at(Dock& dock, base::SteadyTime time) {
  if (dock.wake <= time) return;
  if (dock.wake != base::SteadyTime::max()) timers_.erase({dock.wake, dock.id});
  dock.wake = time;
  timers_.insert({time, dock.id});
}

void Scheduler::Strand::ring_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_.steady) {
    Dock& dock = *dock_by_id(timers_.begin()->second);
    timers_.erase(timers_.begin());
    dock.wake = base::SteadyTime::max();
    ready(dock);
    call_parked(dock);
    wake_for_parked(dock);
  }
}

// Destinations that wait for it are called as it gets through with what it has; should nothing remind of them, this does.
void Scheduler::Strand::wake_for_parked(Dock& dock) {
  if (dock.health.is_given_up(now_.steady))
    wake_at(dock, *dock.health.given_up_until());
  else if (dock.parked.count > 0 && !dock.suspended)
    wake_at(dock, now_.steady + kStorePause);
}

void Scheduler::Strand::start_jobs() {
  // What can't be recorded would be delivered twice after a crash.
  if (!may_start() || suspensions_.everything()) return;
  for (const auto& carrier : carriers_) {
    while (carrier->running < kJobsPerCourier) {
      const std::uint8_t turn = carrier->turn;
      carrier->turn ^= 1;
      if (!start_one(*carrier, turn) && !start_one(*carrier, turn ^ 1)) break;
    }
  }
}

bool Scheduler::Strand::start_one(Carrier& carrier, std::uint8_t ring) {
  if (ring == 1 && carrier.unproven >= kUnprovenPerCourier) return false;
  while (!carrier.ready[ring].empty()) {
    Dock& dock = carrier.ready[ring].rotate();
    ready(dock);  // time may have passed since it was put here
    if (!dock.waits_in_ring() || dock.ring != ring) continue;
    Lane& lane = dock.waits.next(kQuantum);
    Flow& flow = lane.flows.pay(kQuantum, cost_of);
    dock.waits.charge(lane, cost_of(flow));
    start(take_out(*flow.first), dock);
    return true;
  }
  return false;
}

void Scheduler::Strand::start(std::unique_ptr<Parcel> parcel, Dock& dock) {
  Lane& lane = *parcel->lane;
  parcel->dock = &dock;
  parcel->begun = now_;
  parcel->running = true;
  parcel->was_proven = dock.health.is_proven();
  parcel->ticket = dock.health.begin(now_.steady);
  dock.rate.take(now_.steady);
  ++running_;
  ++lane.running;
  ++dock.running;
  ++lane.carrier->running;
  if (!parcel->was_proven) ++lane.carrier->unproven;
  ready(dock);
  Job job{.id = parcel->id,
          .envelope = parcel->envelope,
          .recipients = parcel->recipients,
          .destination = lane.destination,
          .site = dock.name,
          // A copy: an attempt that outlives the queue's patience may still open it.
          .open = [open = parts_.open, id = parcel->id] { return open(id); }};
  Courier& courier = *lane.carrier->courier;
  const Slot slot = lane.slot;
  courier.deliver(std::move(job), post([this, parcel = std::move(parcel)](Report report) mutable {
                    attempted(std::move(parcel), std::move(report));
                  }));
  consider(slot);
  if (dock.parked.count > 0) call_parked(dock);
}

void Scheduler::Strand::attempted(std::unique_ptr<Parcel> parcel, Report report) {
  Lane& lane = *parcel->lane;
  Dock& dock = *parcel->dock;
  --running_;
  --lane.running;
  --dock.running;
  --lane.carrier->running;
  if (!parcel->was_proven) --lane.carrier->unproven;
  if (report.outcomes.size() != parcel->recipients.size()) {
    sys::log::error("courier_broke_contract", {{"id", parcel->id.to_string()},
                                               {"recipients", parcel->recipients.size()},
                                               {"outcomes", report.outcomes.size()}});
    std::abort();
  }
  judge_site(dock, *parcel, report);
  note_attempts(*parcel, report.trials);
  const Carried from{.id = parcel->id,
                     .envelope = std::move(parcel->envelope),
                     .slot = lane.slot,
                     .from_disk = parcel->from_disk,
                     .attempted = true,
                     .begun = parcel->begun};
  for (std::size_t i = 0; i < report.outcomes.size(); ++i) {
    counts::attempts.count(lane.carrier->courier->kind(), counts::place_of(report.outcomes[i].action));
    conclude(from, parcel->recipients[i], std::move(report.outcomes[i]));
  }
  leave_flow(*parcel);
  rest(lane);
  rest(dock);
}

void Scheduler::Strand::judge_site(Dock& dock, const Parcel& parcel, const Report& report) {
  switch (report.contact) {
    case Contact::none:
      dock.health.nothing(parcel.ticket);
      break;
    case Contact::made:
      dock.health.made();
      break;
    case Contact::failed:
      dock.failure = std::make_unique<mail::Outcome>(report.outcomes.front());
      if (dock.health.failed(parcel.ticket, now_.steady, settings_->queue.retry, chance())) {
        dock.failed = parcel.begun.steady;
        return give_up(dock);
      }
  }
  ready(dock);
  if (dock.parked.count > 0) call_parked(dock);
}

// What waits for it in memory gives its place to others.
void Scheduler::Strand::give_up(Dock& dock) {
  wake_at(dock, *dock.health.given_up_until());
  ready(dock);
  sys::log::warning("site_given_up", {{"site", dock.name},
                                      {"until", base::to_rfc3339(in_utc(*dock.health.given_up_until()))},
                                      {"reason", dock.failure->reply.text}});
  while (!dock.waits.empty()) give_back_lane(*dock.waits.front());
}

}  // namespace postrider::queue
