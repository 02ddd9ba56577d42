// A scheduler in a small world, for its tests: a backlog in memory, one courier that answers as the test says, and a clock
// that moves when the test lets time pass.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "queue/scheduler.hpp"
#include "queue/testing/memory_backlog.hpp"
#include "queue/testing/simulation_parts.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/random.hpp"
#include "sys/log.hpp"

namespace postrider::queue::testing {

class Yard {
 public:
  Yard() {
    sys::log::configure(sys::log::Format::logfmt, static_cast<sys::log::Level>(4));  // silent
    auto made = std::make_shared<config::Config>(*mail::Domain::parse("mx.test"));
    config = std::move(made);
    connect(backlog, events, base::Milliseconds(1));
    start();
  }
  ~Yard() {
    scheduler.reset();
    sys::log::configure(sys::log::Format::logfmt, sys::log::Level::info);
  }

  void start() {
    scheduler = std::make_unique<Scheduler>(
        Scheduler::Parts{.backlog = backlog,
                         .router = router,
                         .teller = teller,
                         .clock = clock,
                         .random = random,
                         .config = [this] { return config; },
                         .open = [](base::MessageId) { return nullptr; },
                         .note = [this](store::Event event) { noted.push_back(std::move(event)); },
                         .owner = "me"});
  }
  // As after a crash: claims are forgotten.
  void restart() {
    scheduler.reset();
    backlog.crash();
    start();
  }
  template <class Change>
  void configure(Change change) {
    auto next = std::make_shared<config::Config>(*config);
    change(*next);
    config = std::move(next);
  }

  mail::Envelope envelope(const std::vector<std::string>& to, const std::string& from = "a@sender.test") {
    mail::Envelope made;
    if (!from.empty()) made.reverse_path = mail::ReversePath(*mail::Address::parse(from));
    made.received = clock.utc();
    made.size = 2000;
    for (const std::string& one : to) {
      const auto address = *mail::Address::parse(one);
      made.recipients.push_back({.original = address,
                                 .alias = {},
                                 .final = address,
                                 .orcpt = {},
                                 .notify = {},
                                 .due = clock.utc(),
                                 .last = {}});
    }
    return made;
  }
  base::MessageId next_id() {
    last_id = std::max(base::MessageId::first(clock.utc(), 0), base::MessageId{last_id.value + 1});
    return last_id;
  }
  // Lies on the disk; the scheduler finds it at its next start.
  base::MessageId on_disk(mail::Envelope made) {
    const auto id = next_id();
    backlog.add(id, std::move(made));
    return id;
  }
  base::MessageId fresh(mail::Envelope made) {
    const auto id = next_id();
    scheduler->fresh(backlog.add(id, std::move(made), true), false);
    return id;
  }
  base::MessageId fresh(const std::string& to, const std::string& from = "a@sender.test") {
    return fresh(envelope({to}, from));
  }
  void pass(base::Milliseconds time) { run_for(*scheduler, events, clock, time); }

  // What is not to be waited for.
  template <class T, class Ask>
  T answer(Ask ask) {
    auto got = std::make_shared<std::optional<T>>();
    ask([got](T value) { *got = std::move(value); });
    for (int step = 0; step < 1000 && !*got; ++step) pass(base::Milliseconds(1));
    if (!*got) {
      ADD_FAILURE() << "no answer";
      std::abort();
    }
    return std::move(**got);
  }
  Changed change(base::MessageId id, Change what, std::uint32_t index = 0) {
    auto found = backlog.find(id);
    EXPECT_TRUE(found) << "no such message";
    if (!found) return {};
    found->recipients = {index};
    return answer<base::Result<Changed>>(
               [&](auto done) { scheduler->change({*found}, what, "because", std::move(done)); })
        .value();
  }
  std::uint64_t suspend(store::Suspension::What what, std::string pattern,
                        std::optional<base::UtcTime> until = {}) {
    store::Suspension one{
        .what = what, .pattern = std::move(pattern), .until = until, .reason = "for a test"};
    return answer<base::Result<std::uint64_t>>([&](auto done) { scheduler->suspend(one, std::move(done)); })
        .value();
  }
  void resume(std::uint64_t id) {
    EXPECT_TRUE(answer<base::Result<void>>([&](auto done) { scheduler->resume(id, std::move(done)); }));
  }
  std::vector<SiteState> sites() {
    return answer<std::vector<SiteState>>([&](auto done) { scheduler->sites(std::move(done)); });
  }
  Waiting explain(base::MessageId id, std::uint32_t index = 0) {
    auto found = backlog.find(id);
    EXPECT_TRUE(found) << "no such message";
    found->recipients = {index};
    return answer<std::vector<Waiting>>([&](auto done) { scheduler->explain(*found, std::move(done)); })
        .at(0);
  }
  bool becomes_idle(base::Milliseconds within) {
    auto idle = std::make_shared<bool>(false);
    scheduler->when_idle([idle] { *idle = true; });
    pass(within);
    return *idle;
  }
  std::optional<mail::Recipient> find(base::MessageId id, std::uint32_t index = 0) {
    return backlog.find(store::RecipientId{id, index});
  }

  sys::fake::Clock clock;
  EventQueue events{clock};
  MemoryBacklog backlog{clock};
  TimedCourier courier{events};
  OneRouter router{courier};
  RecordingTeller teller{events, backlog};
  sys::fake::Random random;
  std::shared_ptr<const config::Config> config;
  std::vector<store::Event> noted;
  base::MessageId last_id;
  std::unique_ptr<Scheduler> scheduler;
};

// Nobody is there, as it is found out after a second.
inline TimedCourier::Answer unreachable(const Job& job) {
  return {std::chrono::seconds(1),
          TimedCourier::all(job, TimedCourier::deferred("connection refused"), Contact::failed)};
}

}  // namespace postrider::queue::testing
