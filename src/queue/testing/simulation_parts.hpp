// The world around a scheduler, for its tests: time that passes when the test says so, couriers that take their time,
// a teller that remembers. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "queue/courier.hpp"
#include "queue/notice.hpp"
#include "queue/router.hpp"
#include "queue/scheduler.hpp"
#include "queue/teller.hpp"
#include "queue/testing/memory_backlog.hpp"
#include "sys/fake/clock.hpp"

namespace postrider::queue::testing {

// What happens later, by the steady clock; of the same time in the order in which it was planned.
class EventQueue {
 public:
  using Happening = std::move_only_function<void()>;
  explicit EventQueue(sys::fake::Clock& clock) : clock_(clock) {}

  void after(base::Milliseconds delay, Happening what) {
    events_.push_back({clock_.steady() + delay, ++planned_, std::move(what)});
    std::ranges::push_heap(events_, later);
  }
  std::optional<base::SteadyTime> next() const {
    return events_.empty() ? std::nullopt : std::optional(events_.front().at);
  }
  // Turns the clock on to `time` (never back), and lets happen what is due then. True: something was.
  bool pass_to(base::SteadyTime time) {
    const auto step = std::chrono::ceil<base::Milliseconds>(time - clock_.steady());
    if (step > base::Milliseconds(0)) clock_.advance(step);
    bool any = false;
    while (!events_.empty() && events_.front().at <= clock_.steady()) {
      std::ranges::pop_heap(events_, later);
      Happening what = std::move(events_.back().what);
      events_.pop_back();
      what();
      any = true;
    }
    return any;
  }
  std::size_t size() const { return events_.size(); }

 private:
  struct Event {
    base::SteadyTime at;
    std::uint64_t order = 0;
    Happening what;
  };
  static bool later(const Event& a, const Event& b) {
    return std::pair(a.at, a.order) > std::pair(b.at, b.order);
  }
  sys::fake::Clock& clock_;
  std::vector<Event> events_;  // a heap
  std::uint64_t planned_ = 0;
};

// Answers after a time, as its functions say; each has a plain default.
class TimedCourier final : public Courier {
 public:
  struct Answer {
    base::Milliseconds after{};
    Report report;
  };
  struct LocatedAfter {
    base::Milliseconds after{};
    Located located;
  };
  explicit TimedCourier(EventQueue& events) : events_(events) {}

  std::function<LocatedAfter(const Destination&)> on_locate = [](const Destination& destination) {
    return LocatedAfter{
        base::Milliseconds(1),
        Site{.name = mail::to_ascii(destination.host), .concurrency = 20, .max_per_minute = 0}};
  };
  std::function<Answer(const Job&)> on_deliver = [](const Job& job) {
    return Answer{base::Milliseconds(10), all(job, relayed())};
  };
  std::size_t per_job = kRecipientsPerJob;
  std::size_t recipients_per_job() const override { return per_job; }
  // Before each answer is handed over; with the job that it is of.
  std::function<void(const Job&, const Report&)> on_answer;

  void locate(const Destination& destination, std::move_only_function<void(Located)> done) override {
    ++located;
    LocatedAfter answer = on_locate(destination);
    events_.after(answer.after, [located = std::move(answer.located), done = std::move(done)]() mutable {
      done(std::move(located));
    });
  }
  void deliver(Job job, std::move_only_function<void(Report)> done) override {
    ++begun;
    ++running;
    Answer answer = on_deliver(job);
    events_.after(answer.after, [this, job = std::move(job), report = std::move(answer.report),
                                 done = std::move(done)]() mutable {
      --running;
      if (on_answer) on_answer(job, report);
      done(std::move(report));
    });
  }

  static mail::Outcome relayed() {
    return {.action = mail::Action::relayed,
            .reply = mail::reply(250, 0, 0, "taken"),
            .relay = "far",
            .detail = {},
            .at = {}};
  }
  static mail::Outcome deferred(std::string text = "not now") {
    return {.action = mail::Action::deferred,
            .reply = mail::reply(451, 4, 1, std::move(text)),
            .relay = "far",
            .detail = {},
            .at = {}};
  }
  static mail::Outcome refused() {
    return {.action = mail::Action::failed,
            .reply = mail::reply(550, 1, 1, "no such user"),
            .relay = "far",
            .detail = {},
            .at = {}};
  }
  // The same outcome for each recipient of the job.
  static Report all(const Job& job, const mail::Outcome& outcome, Contact contact = Contact::made) {
    return {std::vector<mail::Outcome>(job.recipients.size(), outcome), contact, {}};
  }

  std::size_t located = 0;  // questions
  std::size_t begun = 0;    // attempts
  std::size_t running = 0;

 private:
  EventQueue& events_;
};

// Everything to one courier over one route, unless `on_choose` says otherwise.
class OneRouter final : public Router {
 public:
  explicit OneRouter(Courier& courier)
      : on_choose([&courier, route = std::make_shared<const config::Route>()](const mail::Envelope&,
                                                                              const mail::Recipient&) {
          Choice choice;
          choice.courier = &courier;
          choice.route = route;
          return choice;
        }) {}
  Choice choose(const mail::Envelope& envelope, const mail::Recipient& recipient) override {
    return on_choose(envelope, recipient);
  }
  std::function<Choice(const mail::Envelope&, const mail::Recipient&)> on_choose;
};

// Those of a message that wait, and whose senders want to hear that it takes long and have not.
inline std::vector<store::RecipientId> to_be_warned(const MemoryBacklog& backlog, base::MessageId id) {
  std::vector<store::RecipientId> all;
  const auto found = backlog.find(id);
  if (!found) return all;
  for (const std::uint32_t index : found->recipients) {
    const mail::Recipient& recipient = found->envelope->recipients[index];
    if (recipient.state == mail::RecipientState::waiting && wants_delay_notice(*found->envelope, recipient))
      all.push_back({id, index});
  }
  return all;
}

// Tells and warns after a time: what it was given leaves the backlog, or is marked there; or fails.
class RecordingTeller final : public Teller {
 public:
  RecordingTeller(EventQueue& events, MemoryBacklog& backlog) : events_(events), backlog_(backlog) {}

  void tell(store::Claimed untold, std::function<void(base::Result<void>)> done) override {
    events_.after(takes, [this, untold = std::move(untold), done = std::move(done)] {
      if (fails) return done(std::unexpected(*fails));
      store::Told now;
      for (const auto index : untold.recipients) now.ended.push_back({untold.id, index});
      if (on_tell) on_tell(now.ended);
      backlog_.apply(now);
      told.insert(told.end(), now.ended.begin(), now.ended.end());
      done({});
    });
  }
  void warn(Delayed delayed, std::function<void(base::Result<bool>)> done) override {
    events_.after(takes, [this, delayed = std::move(delayed), done = std::move(done)] {
      if (fails) return done(std::unexpected(*fails));
      const store::Told now{.ended = {}, .warned = to_be_warned(backlog_, delayed.message)};
      if (!now.warned.empty() && on_warn) on_warn(now.warned);
      backlog_.apply(now);
      warned.insert(warned.end(), now.warned.begin(), now.warned.end());
      done(true);
    });
  }

  base::Milliseconds takes{5};
  std::optional<base::Failure> fails;
  std::vector<store::RecipientId> told, warned;
  std::function<void(const std::vector<store::RecipientId>&)> on_tell, on_warn;  // before it is applied

 private:
  EventQueue& events_;
  MemoryBacklog& backlog_;
};

// Answers of the backlog come `delay` after the question.
inline void connect(MemoryBacklog& backlog, EventQueue& events, base::Milliseconds delay) {
  backlog.on_read = [&backlog, &events, delay] { events.after(delay, [&backlog] { backlog.pump_read(); }); };
  backlog.on_write = [&backlog, &events, delay] {
    events.after(delay, [&backlog] { backlog.pump_writes(); });
  };
}

// Lets `time` pass: what happens, and a step of the strand after it and whenever it wants to be called.
inline void run_for(Scheduler& scheduler, EventQueue& events, const sys::Clock& clock,
                    base::Milliseconds time) {
  const base::SteadyTime end = clock.steady() + time;
  scheduler.step(base::Milliseconds(0));
  while (clock.steady() < end) {
    base::SteadyTime then =
        std::min(end, clock.steady() + std::max(scheduler.wait_time(), base::Milliseconds(1)));
    if (const auto next = events.next()) then = std::min(then, *next);
    events.pass_to(then);
    scheduler.step(base::Milliseconds(0));
  }
}

}  // namespace postrider::queue::testing
