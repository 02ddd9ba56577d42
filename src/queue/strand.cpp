// The step: what was posted, then all that can be done now.
#include "queue/strand.hpp"

#include <algorithm>
#include <chrono>

#include "queue/counts.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// How long the strand sleeps at most: so late is a wall clock that was set noticed.
constexpr base::Milliseconds kNap = seconds(1);
constexpr base::Milliseconds kStopWithin = seconds(10);
// A wall clock that moved so much more or less than the steady one was set by somebody.
constexpr base::Milliseconds kClockJump = hours(1);
}  // namespace

Scheduler::Strand::Strand(Parts parts, std::shared_ptr<Mailbox> mailbox)
    : parts_(std::move(parts)), mailbox_(std::move(mailbox)), settings_(parts_.config()) {
  now_ = {parts_.clock.utc(), parts_.clock.steady()};
  counts_from_ = now_.steady;
  put_off_warnings();
  load_suspensions();
  load_destinations({});
}

Scheduler::Strand::~Strand() {
  show_load(0, 0);
  for (const auto& flow : flows_) {
    for (Parcel* one = flow->first; one;) delete std::exchange(one, one->behind);
  }
  for (Slot slot = 0; slot < summaries_.end(); ++slot) {
    for (Lane* lane = summaries_[slot].lanes; lane;) delete std::exchange(lane, lane->next);
  }
}

bool Scheduler::Strand::step(base::Milliseconds longest) {
  auto tasks = mailbox_->take(longest);
  tick();
  for (auto& task : tasks) task();
  work();
  return !finished();
}

void Scheduler::Strand::tick() {
  const Now now{parts_.clock.utc(), parts_.clock.steady()};
  const auto steady = std::chrono::duration_cast<milliseconds>(now.steady - now_.steady);
  if (std::chrono::abs((now.utc - now_.utc) - steady) > kClockJump) {
    counts_from_ = now.steady;
    sys::log::warning("clock_jumped",
                      {{"from", base::to_rfc3339(now_.utc)}, {"to", base::to_rfc3339(now.utc)}});
    now_ = now;
    put_off_warnings();
    ask_for_far({});
  }
  now_ = now;
  if (auto config = parts_.config(); config != settings_) configured(std::move(config));
}

// Routes, limits and the window may all have changed: what waits is chosen a route anew.
void Scheduler::Strand::configured(std::shared_ptr<const config::Config> config) {
  settings_ = std::move(config);
  ++configuration_;
  give_back_all();
  for (Dock* dock : docks_in_order()) {
    while (dock->parked.count > 0) {
      const Slot slot = dock->parked.head;
      unpark(slot);
      summaries_[slot].site = kNoSite;
      consider(slot);
    }
  }
}

void Scheduler::Strand::work() {
  end_suspensions();
  if (!stop_by_) {
    if (far_again_ && now_.steady >= *far_again_) ask_for_far(far_to_);
    if (load_again_ && now_.steady >= *load_again_) load_destinations(loaded_to_);
    if (!suspensions_known_ && !asking_suspensions_ && now_.steady >= ask_suspensions_) load_suspensions();
  }
  ring_timers();
  send_locates();
  record_decided();
  start_jobs();
  claim_due();
  pull_far();
  look_for_moved();
  sweep_all();
  meet_deadlines();
  start_telling();
  flush_unclaims();
  evict();
  most_window_ = std::max(most_window_, window_.size());
  show_load(window_.size(), running_);
  tell_idle();
}

// For the metrics.
void Scheduler::Strand::show_load(std::size_t window, std::size_t running) {
  const auto show = [](sys::Gauges& gauge, std::size_t now, std::size_t& shown) {
    if (now != shown) gauge.add(static_cast<std::int64_t>(now) - static_cast<std::int64_t>(shown));
    shown = now;
  };
  show(counts::in_memory, window, shown_window_);
  show(counts::under_attempt, running, shown_running_);
}

void Scheduler::Strand::stop() {
  if (!stop_by_) stop_by_ = now_.steady + kStopWithin;
}

bool Scheduler::Strand::finished() const {
  if (!stop_by_) return false;
  if (running_ == 0 && recording_ == 0 && decided_.empty() && warnings() == 0 && tells_ == 0) return true;
  return now_.steady >= *stop_by_;
}

base::Milliseconds Scheduler::Strand::wait_time() const {
  base::Milliseconds wait = kNap;
  const auto until = [&wait](auto time, auto now) {
    if (time > now) wait = std::min(wait, std::chrono::ceil<milliseconds>(time - now));
  };
  if (const Slot first = summaries_.first(); first != kNoSlot) until(summaries_[first].look, now_.utc);
  if (!timers_.empty()) until(timers_.begin()->first, now_.steady);
  if (!overdue_.empty()) until(overdue_.front().first, now_.steady);
  for (const Sweep& sweep : sweeps_) until(sweep.next, now_.steady);
  if (!deadlines_.empty()) until(deadlines_.begin()->first, now_.utc);
  if (deadlines_to_) until(look_after_, now_.steady);
  if (!tell_late_.empty()) until(tell_late_.begin()->first, now_.utc);
  if (untold_pending_) until(std::max(tell_at_, tell_after_), now_.steady);
  if (recording_fails_) until(record_after_, now_.steady);
  until(ask_after_, now_.steady);
  return std::max(wait, milliseconds(1));
}

void Scheduler::Strand::load_destinations(std::string after) {
  loading_ = true;
  load_again_.reset();
  loaded_to_ = after;
  parts_.backlog.destinations({.after = std::move(after), .limit = kDestinations},
                              post([this](auto page) { loaded(std::move(page)); }));
}

void Scheduler::Strand::loaded(base::Result<std::vector<store::DestinationDue>> page) {
  if (stop_by_) return;
  if (!page) {
    sys::log::warning("destinations_failed", {{"reason", page.error().log_text()}});
    load_again_ = now_.steady + kStorePause;
    return;
  }
  for (const auto& one : *page) due_at(summaries_.intern(one.destination), one.due);
  if (page->size() >= kDestinations) return load_destinations(std::move(page->back().destination));
  loading_ = false;
  ask_for_far({});
}

double Scheduler::Strand::chance() {
  constexpr std::uint64_t kSteps = 1u << 20;
  return static_cast<double>(parts_.random.below(kSteps)) / static_cast<double>(kSteps);
}

Scheduler::Load Scheduler::Strand::load() const {
  return {.window = window_.size(),
          .most_window = most_window_,
          .destinations = summaries_.size(),
          .sites = docks_.size(),
          .running = running_};
}

bool Scheduler::Strand::is_idle() const {
  if (loading_ || !window_.empty() || !claims_.empty() || !suspensions_known_ || !expiring_.empty())
    return false;
  if (untold_pending_ || telling_ || is_sweeping() || !far_.empty() || !postponed_.empty()) return false;
  const Slot first = summaries_.first();
  return first == kNoSlot || summaries_[first].look > now_.utc || suspensions_.everything();
}

void Scheduler::Strand::tell_idle() {
  if (idle_.empty() || !is_idle()) return;
  for (auto& done : std::exchange(idle_, {})) done();
}

}  // namespace postrider::queue
