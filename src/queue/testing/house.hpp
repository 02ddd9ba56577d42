// A queue for tests: with a real spool in a folder of its own, a clock that the test turns, and couriers that
// answer when the test says so.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/testing/temporary_folder.hpp"
#include "queue/queue.hpp"
#include "sys/fake/clock.hpp"
#include "sys/fake/random.hpp"

namespace postrider::queue::testing {

constexpr auto kPatience = std::chrono::seconds(20);  // only a broken test waits so long

inline mail::Outcome outcome(mail::Action action, mail::Reply reply) {
  return {.action = action, .reply = std::move(reply), .relay = "test", .detail = {}, .at = {}};
}
inline mail::Outcome delivered() {
  return outcome(mail::Action::delivered, mail::reply(250, 0, 0, "delivered"));
}
inline mail::Outcome deferred() {
  return outcome(mail::Action::deferred, mail::reply(451, 4, 1, "no answer"));
}
inline mail::Outcome failed() {
  return outcome(mail::Action::failed, mail::reply(550, 1, 1, "no such user"));
}

struct Attempted {
  Job job;
  std::move_only_function<void(Report)> report;

  void done(std::vector<mail::Outcome> outcomes, Contact contact = Contact::made) {
    report({.outcomes = std::move(outcomes), .contact = contact, .trials = {}});
  }
  void answer(const mail::Outcome& outcome, Contact contact = Contact::made) {
    done(std::vector<mail::Outcome>(job.recipients.size(), outcome), contact);
  }
  std::vector<std::string> recipients() const {
    std::vector<std::string> names;
    for (const auto index : job.recipients)
      names.push_back(job.envelope->recipients[index].final.to_string());
    return names;
  }
  std::string content() const {
    std::string all;
    for (const auto reader = job.open();;) {
      const auto piece = reader->next();
      if (!piece || piece->empty()) return piece ? all : "failure: " + piece.error().text;
      all += *piece;
    }
  }
};

// Keeps each job until the test takes it; or answers by itself. Each domain is a site of its own.
class FakeCourier final : public Courier {
 public:
  void locate(const Destination& destination, std::move_only_function<void(Located)> done) override {
    done(Site{.name = mail::to_ascii(destination.host), .concurrency = 3000, .max_per_minute = 0});
  }
  void deliver(Job job, std::move_only_function<void(Report)> done) override {
    Attempted attempt{std::move(job), std::move(done)};
    std::unique_lock lock(mutex_);
    ++count_;
    if (answer_) {
      const mail::Outcome now = *answer_;
      lock.unlock();
      return attempt.answer(now);
    }
    waiting_.push_back(std::move(attempt));
    arrived_.notify_all();
  }
  void always(std::optional<mail::Outcome> answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  Attempted take() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, kPatience, [this] { return !waiting_.empty(); })) {
      ADD_FAILURE() << "no attempt came";
      std::abort();
    }
    Attempted first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }
  std::size_t count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Attempted> waiting_;
  std::optional<mail::Outcome> answer_;
  std::size_t count_ = 0;
};

// By the domain: hold.test, discard.test, nowhere.test, far.test (another courier), example.org (where the senders are: what
// they are told is taken at once), all else to `near`. block.test is held too, but keeps the queue's strand waiting until
// the test opens `gate`.
class FakeRouter final : public Router {
 public:
  FakeRouter() { senders.always(delivered()); }
  FakeCourier near, far, senders;
  std::promise<void> blocked, gate;
  bool holds(const mail::Recipient& recipient) const override {
    return recipient.final.domain()->ascii() == "hold.test";
  }
  Choice choose(const mail::Envelope&, const mail::Recipient& recipient) override {
    const std::string& domain = recipient.final.domain()->ascii();
    Choice choice;
    if (domain == "block.test") {
      blocked.set_value();
      gate.get_future().wait();
    }
    if (domain == "hold.test" || domain == "block.test") {
      choice.hold = true;
    } else if (domain == "discard.test") {
      choice.instead = outcome(mail::Action::discarded, mail::reply(250, 0, 0, "discarded by a route"));
    } else if (domain != "nowhere.test") {
      choice.courier = domain == "far.test" ? &far : domain == "example.org" ? &senders : &near;
      choice.route = route_;
    }
    return choice;
  }

 private:
  std::shared_ptr<const config::Route> route_ = std::make_shared<config::Route>();
};

class FakeFinisher final : public Finisher {
 public:
  Finish finish(const Unfinished& message) const override {
    Finish finish{{mail::PrependField{"X-Id: " + message.id.to_string() + "\r\n"}}, {}};
    if (message.content && message.content->header.starts_with("Finish:"))
      finish.decisions.push_back("finished with " + std::string(message.content->header));
    return finish;
  }
  bool wants_body_hash(const mail::Origin&) const override { return false; }
};

class House {
 public:
  explicit House(std::filesystem::path from = {}, const char* vfs = nullptr) : vfs_(vfs) {
    if (!from.empty())
      std::filesystem::copy(from, folder / "spool", std::filesystem::copy_options::recursive);
    config = std::make_shared<config::Config>(*mail::Domain::parse("mx.test"));
    open_spool();
    start();
  }
  ~House() {
    queue.reset();
    timeline.reset();
    spool.reset();
  }

  void open_spool() {
    store::SpoolOptions options;
    options.directory = folder / "spool";
    options.min_free_bytes = 0;
    options.min_free_inodes = 0;
    options.vfs = vfs_;
    auto opened = store::Spool::open(options, clock);
    if (!opened) {
      ADD_FAILURE() << opened.error().log_text();
      std::abort();
    }
    spool = std::move(*opened);
    auto history = store::Timeline::open({.directory = folder / "timeline"}, clock);
    if (!history) {
      ADD_FAILURE() << history.error().log_text();
      std::abort();
    }
    timeline = std::move(*history);
  }
  // What the timeline has of a message: "accepted from=... size=5", a line for each event.
  std::string history(base::MessageId id) {
    timeline->flush();
    auto reader = store::TimelineReader::open(folder / "timeline");
    if (!reader) return reader.error().log_text();
    std::string text;
    for (const store::ReadEvent& event : (*reader)->events(id).value()) {
      text += to_string(event.kind);
      for (const auto& [name, value] : event.facts) text += " " + name + "=" + value;
      text += '\n';
    }
    return text;
  }
  void start() {
    queue = std::make_unique<Queue>(Queue::Parts{.spool = *spool,
                                                 .timeline = *timeline,
                                                 .router = router,
                                                 .finisher = finisher,
                                                 .clock = clock,
                                                 .random = random,
                                                 .config = [this] {
                                                   std::lock_guard lock(mutex);
                                                   return config;
                                                 }});
  }
  void configure(const std::function<void(config::Config&)>& change) {
    auto next = std::make_shared<config::Config>(*config);
    change(*next);
    std::lock_guard lock(mutex);
    config = std::move(next);
  }

  mail::Envelope envelope(const std::vector<std::string>& to, const std::string& from = "alice@example.org") {
    mail::Envelope made;
    if (!from.empty()) made.reverse_path = mail::ReversePath(*mail::Address::parse(from));
    made.received = clock.utc();
    for (const std::string& one : to) {
      const auto address = *mail::Address::parse(one);
      made.recipients.push_back(
          {.original = address, .alias = {}, .final = address, .orcpt = {}, .notify = {}, .last = {}});
    }
    return made;
  }
  base::MessageId accept(mail::Envelope envelope, std::string_view body = "A: 1\r\n\r\nbody\r\n") {
    auto draft = queue->open_draft();
    draft->append(body);
    envelope.size = body.size();
    std::promise<base::Result<base::MessageId>> promise;
    auto future = promise.get_future();
    queue->accept({.envelope = std::move(envelope),
                   .draft = std::move(*draft),
                   .decisions = {"a test"},
                   .content = facts_of(body)},
                  [&promise](base::Result<base::MessageId> id) { promise.set_value(std::move(id)); });
    const auto id = future.get();
    EXPECT_TRUE(id.has_value());
    return id.value_or(base::MessageId{});
  }
  base::MessageId accept(const std::vector<std::string>& to) { return accept(envelope(to)); }
  std::future<void> becomes_idle() {
    auto promise = std::make_shared<std::promise<void>>();
    queue->when_idle([promise] { promise->set_value(); });
    return promise->get_future();
  }
  void idle() {
    ASSERT_EQ(becomes_idle().wait_for(kPatience), std::future_status::ready)
        << "the queue does not become idle";
  }
  void pass(base::Milliseconds time) {
    clock.advance(time);
    idle();
  }
  // Returns when the disk says so.
  void becomes(store::RecipientId id, mail::RecipientState state) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const auto found = spool->find(id.message);
      if (found && *found && (*found)->envelope->recipients[id.index].state == state) return;
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "it does not become so";
      std::this_thread::yield();
    }
  }
  std::uint64_t kept() const { return spool->statistics().recipients; }

  const base::testing::TemporaryFolder temporary;
  const std::filesystem::path folder = temporary.path();
  sys::fake::Clock clock;
  FakeRouter router;
  FakeFinisher finisher;
  std::mutex mutex;
  std::shared_ptr<const config::Config> config;
  sys::fake::Random random;
  std::unique_ptr<store::Spool> spool;
  std::unique_ptr<store::Timeline> timeline;
  std::unique_ptr<Queue> queue;

 private:
  const char* vfs_;
};

// What a SIGKILL at this moment would leave: a copy of the spool's files, opened by another server.
inline std::unique_ptr<House> after_crash(const House& house) {
  return std::make_unique<House>(house.folder / "spool");
}

class Captured {
 public:
  Captured() { ::testing::internal::CaptureStderr(); }
  ~Captured() {
    if (!taken_) text();
  }
  std::string text() {
    taken_ = true;
    return ::testing::internal::GetCapturedStderr();
  }

 private:
  bool taken_ = false;
};

}  // namespace postrider::queue::testing
