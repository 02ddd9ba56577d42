#include "queue/scheduler.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "queue/content.hpp"
#include "queue/outcome_log.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"

namespace postrider::queue {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Jobs that one courier has at a time. Above what any batch takes, so that the next batch is ready when one
// ends; low enough that a stop within kStopWithin is likely.
constexpr std::size_t kJobsPerCourier = 2000;
// Recipients that one claim takes at most: a transaction of a few milliseconds.
constexpr std::size_t kPage = 1000;
// Longer than any attempt that a courier's deadline allows. What waits in memory beyond it is claimed again by
// us, seen to be here already, and so kept.
constexpr base::Milliseconds kLease = hours(2);
// How long the strand sleeps at most: so late is a jump of the wall clock noticed.
constexpr base::Milliseconds kNap = seconds(1);
// After a failure of the spool, and after a claim that gave nothing although something was due.
constexpr base::Milliseconds kSpoolPause = seconds(1);
// The disk is asked for due work this often even where nothing is known to be due.
constexpr base::Milliseconds kAskAnyway = minutes(1);
constexpr base::Milliseconds kStopWithin = seconds(10);
// A wall clock that moved so much more or less than the steady one was set by somebody.
constexpr base::Milliseconds kClockJump = hours(1);

}  // namespace

Queue::Scheduler::Scheduler(Parts parts) : parts_(std::move(parts)) {
  next_due_ = parts_.clock.utc();  // what an earlier run has left
  thread_ = std::thread([this] { run(); });
}

Queue::Scheduler::~Scheduler() {
  mailbox_->post([this] { stop_by_ = parts_.clock.steady() + kStopWithin; });
  thread_.join();
  mailbox_->close();
}

std::move_only_function<void()> Queue::Scheduler::fresh(store::Claimed message) {
  return [this, message = std::move(message)]() mutable { admit_fresh(std::move(message)); };
}

void Queue::Scheduler::when_idle(std::move_only_function<void()> done) {
  mailbox_->post([this, done = std::move(done)]() mutable { idle_.push_back(std::move(done)); });
}

void Queue::Scheduler::run() {
  sys::name_this_thread("queue");
  for (base::Milliseconds longest{0}; !finished(); longest = wait_time()) {
    auto tasks = mailbox_->take(longest);
    settings_ = parts_.config();
    for (auto& task : tasks) task();
    record_decided();
    start_jobs();
    claim_due();
    tell_idle();
  }
}

bool Queue::Scheduler::finished() const {
  if (!stop_by_) return false;
  if (running_ == 0 && recording_ == 0 && decided_.empty()) return true;
  return parts_.clock.steady() >= *stop_by_;
}

base::Milliseconds Queue::Scheduler::wait_time() const {
  if (!next_due_ || asking_spool_) return kNap;
  const base::Milliseconds until_due = *next_due_ - parts_.clock.utc();
  // Due already means that room, the spool, or an end of a pause is waited for.
  return until_due <= milliseconds(0) ? kNap : std::min(until_due, kNap);
}

void Queue::Scheduler::admit_fresh(store::Claimed message) {
  const std::size_t room = settings_->queue.window;
  if (!stop_by_ && (window_.empty() || window_.size() + message.recipients.size() <= room)) {
    return admit(std::move(message));
  }
  std::vector<store::RecipientId> back;
  for (const std::uint32_t index : message.recipients) back.push_back({message.id, index});
  parts_.spool.unclaim(std::move(back));
  due_at(parts_.clock.utc());
}

void Queue::Scheduler::admit(store::Claimed message) {
  const Started now{parts_.clock.utc(), parts_.clock.steady()};
  std::map<std::pair<Courier*, std::string>, store::Claimed> jobs;
  for (const std::uint32_t index : message.recipients) {
    if (!window_.insert({message.id, index}).second) continue;
    Router::Choice choice = parts_.router.choose(*message.envelope, message.envelope->recipients[index]);
    if (choice.courier) {
      auto& job = jobs[{choice.courier, std::move(choice.site)}];
      job.recipients.push_back(index);
    } else if (choice.hold) {
      hold(message, index);
    } else if (choice.instead) {
      conclude(message, index, std::move(*choice.instead), now);
    } else {
      mail::Outcome no_route;
      no_route.reply = mail::reply(451, 3, 5, "no route");  // RFC 3463 3.4
      conclude(message, index, std::move(no_route), now);
    }
  }
  for (auto& [key, job] : jobs) {
    job.id = message.id;
    job.envelope = message.envelope;
    lanes_[key.first].waiting.push_back(std::move(job));
  }
}

void Queue::Scheduler::due_at(base::UtcTime time) {
  next_due_ = next_due_ ? std::min(*next_due_, time) : time;
}

void Queue::Scheduler::claim_due() {
  const base::UtcTime now = parts_.clock.utc();
  const base::SteadyTime steady = parts_.clock.steady();
  if (stop_by_ || asking_spool_ || steady < ask_after_) return;
  if (!next_due_ || *next_due_ > now) {
    if (steady - asked_ >= kAskAnyway) ask_next_due(false);
    return;
  }
  const std::size_t bound = std::max<std::size_t>(settings_->queue.window, 1);
  const std::size_t room = bound - std::min(bound, window_.size());
  // Not for a handful: each claim is a transaction.
  if (room < std::clamp<std::size_t>(bound / 2, 1, kPage)) return;
  const std::size_t limit = std::min(room, kPage);
  asking_spool_ = true;
  next_due_.reset();
  parts_.spool.claim(
      parts_.owner, now + milliseconds(1), limit, kLease,
      [this, limit, mailbox = mailbox_](auto page) mutable {
        mailbox->post([this, limit, page = std::move(page)]() mutable { claimed(std::move(page), limit); });
      });
}

void Queue::Scheduler::claimed(base::Result<std::vector<store::Claimed>> page, std::size_t limit) {
  asking_spool_ = false;
  if (!page) {
    ask_after_ = parts_.clock.steady() + kSpoolPause;
    due_at(parts_.clock.utc());
    sys::log::warning("claim_failed", {{"reason", page.error().log_text()}});
    return;
  }
  std::size_t taken = 0;
  for (store::Claimed& message : *page) {
    taken += message.recipients.size();
    if (!stop_by_) admit(std::move(message));
  }
  if (taken >= limit) return due_at(parts_.clock.utc());
  ask_next_due(taken == 0);
}

void Queue::Scheduler::ask_next_due(bool claim_was_empty) {
  asking_spool_ = true;
  asked_ = parts_.clock.steady();
  parts_.spool.next_due([this, claim_was_empty, mailbox = mailbox_](auto due) mutable {
    mailbox->post([this, claim_was_empty, due = std::move(due)] {
      asking_spool_ = false;
      if (!due || !*due) return;
      due_at(**due);
      // Due, and yet not to be had: to ask again at once would be a busy loop.
      if (claim_was_empty && **due <= parts_.clock.utc()) ask_after_ = parts_.clock.steady() + kSpoolPause;
    });
  });
}

void Queue::Scheduler::start_jobs() {
  if (stop_by_ || recording_fails_) return;  // what can't be recorded would be delivered twice after a crash
  for (auto& [courier, lane] : lanes_) {
    while (!lane.waiting.empty() && lane.running < kJobsPerCourier) {
      store::Claimed job = std::move(lane.waiting.front());
      lane.waiting.pop_front();
      ++lane.running;
      ++running_;
      start_job(*courier, std::move(job));
    }
  }
}

void Queue::Scheduler::start_job(Courier& courier, store::Claimed job) {
  Job order{job.id, job.envelope, job.recipients,
            [&spool = parts_.spool, id = job.id] { return open_content(spool, id); }};
  const Started started{parts_.clock.utc(), parts_.clock.steady()};
  courier.deliver(std::move(order), [this, &courier, started, mailbox = mailbox_,
                                     job = std::move(job)](Outcomes outcomes) mutable {
    mailbox->post([this, &courier, started, job = std::move(job), outcomes = std::move(outcomes)]() mutable {
      attempted(courier, std::move(job), std::move(outcomes), started);
    });
  });
}

void Queue::Scheduler::attempted(Courier& courier, store::Claimed job, Outcomes outcomes, Started started) {
  --lanes_[&courier].running;
  --running_;
  if (outcomes.size() != job.recipients.size()) {
    sys::log::error(
        "courier_broke_contract",
        {{"id", job.id.to_string()}, {"recipients", job.recipients.size()}, {"outcomes", outcomes.size()}});
    std::abort();
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    conclude(job, job.recipients[i], std::move(outcomes[i]), started);
}

void Queue::Scheduler::conclude(const store::Claimed& job, std::uint32_t index, mail::Outcome outcome,
                                Started started) {
  const base::UtcTime now = parts_.clock.utc();
  if (outcome.at == base::UtcTime{}) outcome.at = now;
  const auto wall = now - started.utc;
  const auto steady = std::chrono::duration_cast<milliseconds>(parts_.clock.steady() - started.steady);
  const mail::Recipient& recipient = job.envelope->recipients[index];
  const Attempt attempt{.envelope = *job.envelope,
                        .recipient = recipient,
                        .now = now,
                        .clock_jumped = std::chrono::abs(wall - steady) > kClockJump,
                        .random = std::uniform_real_distribution<double>()(random_)};
  Decision decision = decide(attempt, std::move(outcome), settings_->queue);
  store::RecipientUpdate update{
      .id = {job.id, index},
      .outcome = decision.outcome,
      .state = decision.next == Next::keep ? mail::RecipientState::untold : mail::RecipientState::waiting,
      .due = decision.due};
  // To the spool every end is alike: with nobody to tell, the failed recipient goes as a discarded one does.
  if (decision.told_nobody) update.outcome.action = mail::Action::discarded;
  decided_.push_back({job.envelope, std::move(update), std::move(decision.outcome), decision.told_nobody});
}

void Queue::Scheduler::hold(const store::Claimed& job, std::uint32_t index) {
  mail::Outcome outcome;
  outcome.reply = mail::reply(451, 7, 0, "held for an operator");
  outcome.at = parts_.clock.utc();
  decided_.push_back(
      {job.envelope,
       {.id = {job.id, index}, .outcome = outcome, .state = mail::RecipientState::held, .due = {}},
       outcome,
       false});
}

void Queue::Scheduler::record_decided() {
  if (decided_.empty() || (recording_fails_ && parts_.clock.steady() < record_after_)) return;
  Batch batch = std::exchange(decided_, {});
  std::vector<store::RecipientUpdate> updates;
  updates.reserve(batch.size());
  for (const Decided& one : batch) updates.push_back(one.update);
  ++recording_;
  parts_.spool.record(std::move(updates),
                      [this, mailbox = mailbox_, batch = std::move(batch)](auto result) mutable {
                        mailbox->post([this, batch = std::move(batch), result = std::move(result)]() mutable {
                          recorded(std::move(batch), result);
                        });
                      });
}

void Queue::Scheduler::recorded(Batch batch, const base::Result<void>& result) {
  --recording_;
  if (!result) {
    if (!recording_fails_) sys::log::error("record_failed", {{"reason", result.error().log_text()}});
    recording_fails_ = true;
    record_after_ = parts_.clock.steady() + kSpoolPause;
    decided_.insert(decided_.begin(), std::move_iterator(batch.begin()), std::move_iterator(batch.end()));
    return;
  }
  recording_fails_ = false;
  for (const Decided& one : batch) {
    const mail::Recipient& recipient = one.envelope->recipients[one.update.id.index];
    const bool held = one.update.state == mail::RecipientState::held;
    log_outcome({.id = one.update.id.message,
                 .envelope = *one.envelope,
                 .recipient = recipient,
                 .outcome = one.outcome,
                 .held = held,
                 .told_nobody = one.told_nobody,
                 .next = one.update.due});
    window_.erase(one.update.id);
    if (!held && one.outcome.action == mail::Action::deferred) due_at(one.update.due);
  }
}

void Queue::Scheduler::tell_idle() {
  if (idle_.empty() || !window_.empty() || asking_spool_) return;
  if (next_due_ && *next_due_ <= parts_.clock.utc()) return;
  for (auto& done : std::exchange(idle_, {})) done();
}

}  // namespace postrider::queue
