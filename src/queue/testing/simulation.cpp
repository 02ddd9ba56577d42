#include "queue/testing/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include "queue/failure.hpp"
#include "queue/scheduler.hpp"
#include "queue/testing/simulation_actors.hpp"
#include "queue/testing/simulation_postmaster.hpp"
#include "sys/fake/random.hpp"

namespace postrider::queue::testing {
namespace {

using namespace std::chrono_literals;

// A stop waits for 10 s for attempts that are under way.
constexpr base::Milliseconds kStops = 11s;
// What an operator changes is in memory until it is recorded, beside the window.
constexpr std::size_t kPageOfChanges = 1000;

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);
  SimulationResult run();

 private:
  using Span = std::pair<base::Milliseconds, base::Milliseconds>;
  static std::shared_ptr<const config::Config> make_config(std::uint64_t seed);
  Stage stage() { return {world_, events_, backlog_, ledger_, clock_, life_, dice_, config_->queue}; }
  Moment in(Span span) { return Moment(dice_.between(span.first.count(), span.second.count())); }
  template <class Act>
  void plan(int times, Act act);
  void plan_troubles();
  void plan_clocks();
  void arrive();
  bool accept(const Arrival& arrival);
  void start();
  void crash();
  void begin_stop();
  void end_stop();
  void full_disk();
  void step();
  void drain();
  void pass();
  void last_questions();
  SimulationResult result() const;

  const SimulationOptions options_;
  SimulatedWorld world_;
  Dice dice_;
  sys::fake::Clock clock_;
  EventQueue events_{clock_};
  MemoryBacklog backlog_{clock_};
  sys::fake::Random random_;
  std::shared_ptr<const config::Config> config_;
  Ledger ledger_;
  Life life_;
  SimulatedCourier courier_;
  SimulatedRouter router_;
  SimulatedTeller teller_;
  std::unique_ptr<Scheduler> scheduler_;
  SimulatedPostmaster postmaster_;
  std::optional<Moment> stopping_;  // since when
  bool stop_loses_ = false;         // the disk was full meanwhile
  bool draining_ = false;
  std::size_t arrived_ = 0;  // of the world's arrivals; some are still at the door
  std::size_t accepted_ = 0;
  std::uint64_t recipients_ = 0;
  base::MessageId last_id_;
  std::uint64_t steps_ = 0;
  std::size_t most_window_ = 0;
};

std::shared_ptr<const config::Config> Simulation::make_config(std::uint64_t seed) {
  auto made = std::make_shared<config::Config>(*mail::Domain::parse("mx.test"));
  made->queue.expire = std::chrono::days(2);
  made->queue.window = std::array{2'000u, 10'000u, 100'000u}[seed % 3];
  return made;
}

Simulation::Simulation(const SimulationOptions& options)
    : options_(options),
      world_(options.seed, options.messages, options.length),
      dice_(mix(options.seed, 2)),
      random_(options.seed),
      config_(make_config(options.seed)),
      ledger_(world_, backlog_, clock_, config_->queue),
      courier_(stage()),
      router_(stage(), courier_),
      teller_(stage()),
      postmaster_(stage(), [this] { return life_.up && !stopping_ ? scheduler_.get() : nullptr; }) {
  backlog_.on_read = [this] { events_.after(in({1ms, 20ms}), [this] { backlog_.pump_read(); }); };
  backlog_.on_write = [this] { events_.after(in({1ms, 20ms}), [this] { backlog_.pump_writes(); }); };
  backlog_.on_write_row = [this](const store::RecipientUpdate& update, bool applies) {
    ledger_.written(update, applies);
  };
  backlog_.on_record = [this](bool success) {
    if (life_.up) ledger_.recorded(success);
  };
}

template <class Act>
void Simulation::plan(int times, Act act) {
  for (int time = 0; time < times; ++time) {
    events_.after(in({1min, options_.length}), [this, act] {
      if (!draining_) act();
    });
  }
}

void Simulation::plan_troubles() {
  plan(4, [this] { crash(); });
  plan(4, [this] { begin_stop(); });
  plan(4, [this] { full_disk(); });
  plan(3, [this] {
    backlog_.reads_fail = base::temporary({4, 3, 0}, "cannot be read").error();
    ledger_.spool_fails(true);
    events_.after(in({1s, 5min}), [this] {
      backlog_.reads_fail.reset();
      if (!backlog_.writes_fail) ledger_.spool_fails(false);
    });
  });
  plan(3, [this] {
    teller_.fails = true;
    events_.after(in({1s, 2h}), [this] { teller_.fails = false; });
  });
  plan(3, [this] { config_ = std::make_shared<config::Config>(*config_); });
  plan(400, [this] { postmaster_.meddle(); });
  plan(60, [this] { postmaster_.suspend_something(); });
  plan(30, [this] { postmaster_.release_all_held(); });
  plan(100, [this] { postmaster_.look_around(); });
  plan_clocks();
}

void Simulation::plan_clocks() {
  const auto jump = [this](base::Milliseconds by) {
    clock_.jump(by);
    ledger_.jumped(by);
  };
  plan(3, [this, jump] { jump(in({-30min, 30min})); });
  // A clock that is wrong for a while, in one week of two.
  if (options_.seed % 2 == 0) return;
  plan(2, [this, jump] {
    const Moment by = in({-72h, 72h});
    jump(by);
    events_.after(in({1min, 24h}), [jump, by] { jump(-by); });
  });
}

void Simulation::full_disk() {
  backlog_.writes_fail = base::temporary({4, 3, 1}, "the disk is full").error();
  ledger_.spool_fails(true);
  stop_loses_ = true;
  events_.after(in({10s, 30min}), [this] {
    backlog_.writes_fail.reset();
    if (!backlog_.reads_fail) ledger_.spool_fails(false);
    if (!stopping_) stop_loses_ = false;
  });
}

bool Simulation::accept(const Arrival& arrival) {
  if (!life_.up || stopping_ || backlog_.writes_fail) return false;
  mail::Envelope envelope = world_.envelope(arrival);
  envelope.received = clock_.utc();
  world_.wish(arrival, envelope);
  bool untold = false;
  for (mail::Recipient& recipient : envelope.recipients) {
    recipient.due = first_due(envelope, envelope.received);
    untold |= recipient.state == mail::RecipientState::untold;
  }
  recipients_ += envelope.recipients.size();
  // As store/ids.hpp makes them: never below the last one.
  last_id_ = std::max(base::MessageId::first(clock_.utc(), 0), base::MessageId{last_id_.value + 1});
  store::Claimed claimed = backlog_.add(last_id_, std::move(envelope), true);
  ledger_.received(last_id_, claimed.envelope, arrival);
  postmaster_.knows(last_id_);
  events_.after(in({0ms, 2ms}),
                [this, untold, process = life_.process, claimed = std::move(claimed)]() mutable {
                  if (life_.is_alive(process)) scheduler_->fresh(std::move(claimed), untold);
                });
  ++accepted_;
  return true;
}

void Simulation::arrive() {
  while (arrived_ < world_.arrivals.size() && world_.arrivals[arrived_].at <= ledger_.now()) {
    const Arrival& arrival = world_.arrivals[arrived_++];
    if (accept(arrival)) continue;
    // Whoever was turned away comes again.
    const auto again = [this](auto& self, const Arrival& same) -> void {
      events_.after(in({1min, 10min}), [this, self, same] {
        if (!accept(same)) self(self, same);
      });
    };
    again(again, arrival);
  }
  if (arrived_ < world_.arrivals.size())
    events_.after(world_.arrivals[arrived_].at - ledger_.now(), [this] { arrive(); });
}

void Simulation::start() {
  ++life_.process;
  life_.up = true;
  ledger_.process_started();
  stop_loses_ = backlog_.writes_fail.has_value();
  scheduler_ = std::make_unique<Scheduler>(
      Scheduler::Parts{.backlog = backlog_,
                       .router = router_,
                       .teller = teller_,
                       .clock = clock_,
                       .random = random_,
                       .config = [this] { return config_; },
                       .open = [](base::MessageId) { return nullptr; },
                       .note = [this](const store::Event& event) { ledger_.noted(event); },
                       .owner = "simulated"});
}

void Simulation::crash() {
  if (!life_.up) return;
  stopping_.reset();
  life_.up = false;
  life_.crashed = life_.process;
  scheduler_.reset();
  backlog_.crash(dice_.below(4));
  ledger_.process_ended(true);
  events_.after(in({1s, 30min}), [this] { start(); });
}

void Simulation::begin_stop() {
  if (!life_.up || stopping_) return;
  stopping_ = ledger_.now();
  scheduler_->stop();
}

void Simulation::end_stop() {
  scheduler_.reset();
  life_.up = false;
  stopping_.reset();
  // A spool that is closed does first what it was asked for.
  while (backlog_.pump_writes()) {
  }
  backlog_.crash();
  ledger_.process_ended(stop_loses_);
  events_.after(in({1s, 10min}), [this] { start(); });
}

void Simulation::step() {
  if (!life_.up) return;
  ++steps_;
  const bool goes_on = scheduler_->step(0ms);
  const Scheduler::Load load = scheduler_->load();
  const std::size_t bound = std::max<std::size_t>(config_->queue.window + kPageOfChanges, most_window_);
  most_window_ = std::max(most_window_, load.most_window);
  if (most_window_ > bound)
    ledger_.fault(
        fmt::format("{} recipients in memory; the window is {}", most_window_, config_->queue.window));
  // A quarter is kept for what comes from the disk.
  if ((load.window + 100) * 4 >= config_->queue.window * 3) ledger_.window_is_full();
  if (!stopping_) {
    if (!goes_on) ledger_.fault("it stopped by itself");
  } else if (!goes_on) {
    end_stop();
  } else if (ledger_.now() > *stopping_ + kStops) {
    ledger_.fault("a stop does not end");
    end_stop();
  }
}

void Simulation::pass() {
  base::SteadyTime then = clock_.steady() + 1h;
  if (life_.up) then = clock_.steady() + std::max(scheduler_->wait_time(), 1ms);
  if (const auto next = events_.next()) then = std::min(then, *next);
  events_.pass_to(then);
  step();
}

// Troubles are over; all that still waits has to come to its end.
void Simulation::drain() {
  draining_ = true;
  router_.holds = false;
  const base::Milliseconds longest = config_->queue.expire + std::chrono::days(4);
  const Moment end = ledger_.now() + longest;
  Moment tidied = Moment::min();
  while (backlog_.recipients() > 0 || accepted_ < world_.arrivals.size()) {
    if (ledger_.now() > end || ledger_.fault_count() > 10'000) break;
    if (life_.up && !stopping_ && !backlog_.writes_fail &&
        (tidied < Moment(0) || tidied + 1h < ledger_.now())) {
      postmaster_.resume_all();
      postmaster_.release_all_held();
      tidied = ledger_.now();
    }
    pass();
  }
}

void Simulation::last_questions() {
  auto idle = std::make_shared<bool>(false);
  while (!life_.up || stopping_ || backlog_.writes_fail) pass();
  const Moment asked = ledger_.now();
  postmaster_.resume_all();
  scheduler_->when_idle([idle] { *idle = true; });
  while (!*idle && ledger_.now() < asked + 1min) pass();
  if (!*idle) ledger_.fault("it does not become idle");
  // What is known of a destination serves a while longer.
  while (ledger_.now() < asked + 15min) pass();
  const Scheduler::Load load = scheduler_->load();
  if (load.window + load.running + load.destinations > 0)
    ledger_.fault(fmt::format("nothing is left to do, and {} recipients, {} destinations are in memory",
                              load.window, load.destinations));
  if (backlog_.suspensions_kept() > 0) ledger_.fault("a suspension was not removed when its time was over");
}

SimulationResult Simulation::run() {
  if (const char* const id = std::getenv("POSTRIDER_SIMULATION_FOLLOW"))
    ledger_.follow(base::MessageId::parse(id).value_or(base::MessageId{}));
  plan_troubles();
  arrive();
  start();
  step();
  while (ledger_.now() < options_.length && ledger_.fault_count() < 10'000) pass();
  drain();
  ledger_.finish();
  if (ledger_.fault_count() == 0) last_questions();
  scheduler_.reset();
  return result();
}

SimulationResult Simulation::result() const {
  SimulationResult made;
  made.hash = ledger_.hash_value();
  made.faults = ledger_.faults();
  made.fault_count = ledger_.fault_count();
  std::ranges::copy(ledger_.ends(), made.ends);
  made.recipients = recipients_;
  made.attempts = ledger_.attempts();
  made.repeated = ledger_.repeated();
  made.warnings = ledger_.warnings();
  made.expired = ledger_.expired();
  made.steps = steps_;
  made.restarts = life_.process;
  made.changes = postmaster_.changes;
  made.suspensions = postmaster_.suspensions;
  made.most_window = most_window_;
  made.window = config_->queue.window;
  made.longest_wait = ledger_.longest_wait();
  made.longest_unfair = ledger_.longest_unfair();
  made.took = ledger_.now();
  return made;
}

}  // namespace

SimulationResult simulate(const SimulationOptions& options) { return Simulation(options).run(); }

std::string SimulationResult::to_string() const {
  std::string text = fmt::format(
      "{} recipients, {} attempts, {} steps, {} processes: delivered {}, relayed {}, expanded {}, failed and "
      "told {}, "
      "nobody to tell {}, discarded {}, removed {}; carried again {}, expired {}, warned {}, changed {}, "
      "suspended {}; "
      "window {} of {}; waited {} s, stood behind {} s; {:.2f} days; hash {:016x}",
      recipients, attempts, steps, restarts, ends[1], ends[2], ends[3], ends[4], ends[5], ends[6], ends[7],
      repeated, expired, warnings, changes, suspensions, most_window, window,
      static_cast<double>(longest_wait.count()) / 1000, static_cast<double>(longest_unfair.count()) / 1000,
      static_cast<double>(took.count()) / 86'400'000, hash);
  for (const std::string& one : faults) text += "\n  " + one;
  if (fault_count > faults.size()) text += fmt::format("\n  ... {} in all", fault_count);
  return text;
}

}  // namespace postrider::queue::testing
