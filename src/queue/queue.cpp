#include "queue/queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "queue/acceptance.hpp"
#include "queue/content.hpp"
#include "queue/desk.hpp"
#include "queue/failure.hpp"
#include "queue/notifier.hpp"
#include "queue/scheduler.hpp"
#include "sys/thread_name.hpp"

namespace postrider::queue {

struct Queue::Inside {
  explicit Inside(Parts all);
  ~Inside();
  void accept(mail::Envelope envelope, store::Draft draft, std::vector<std::string> decisions,
              store::Told told, Accepted done);
  void committed();

  Parts parts;
  const std::string owner;
  // Writes to senders for the scheduler, and has it scheduled; so it ends first.
  std::unique_ptr<Notifier> notifier;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Desk> desk;
  // Commits that the spool has: their completions use all of this.
  std::mutex mutex;
  std::condition_variable none_under_way;
  std::size_t commits = 0;
  std::thread thread;
};

Queue::Inside::Inside(Parts all)
    : parts(std::move(all)), owner("node" + std::to_string(parts.config()->node)) {
  const auto note = [&timeline = parts.timeline](store::Event event) { timeline.note(std::move(event)); };
  notifier = std::make_unique<Notifier>(Notifier::Parts{
      .spool = parts.spool,
      .clock = parts.clock,
      .config = parts.config,
      .note = note,
      .accept =
          [this](mail::Envelope envelope, store::Draft draft, std::vector<std::string> decisions,
                 store::Told told, Accepted done) {
            accept(std::move(envelope), std::move(draft), std::move(decisions), std::move(told),
                   std::move(done));
          },
      .recipients = [&router =
                         parts.router](const mail::Address& sender) { return router.recipients(sender); }});
  scheduler = std::make_unique<Scheduler>(
      Scheduler::Parts{.backlog = parts.spool,
                       .router = parts.router,
                       .teller = *notifier,
                       .clock = parts.clock,
                       .random = parts.random,
                       .config = parts.config,
                       .open = [&spool = parts.spool](base::MessageId id) { return open_content(spool, id); },
                       .note = note,
                       .owner = owner});
  desk = std::make_unique<Desk>(
      Desk::Parts{.spool = parts.spool, .scheduler = *scheduler, .clock = parts.clock});
  thread = std::thread([this] {
    sys::name_this_thread("queue");
    while (scheduler->step(scheduler->wait_time())) {
    }
  });
}

Queue::Inside::~Inside() {
  scheduler->stop();
  thread.join();
  notifier.reset();
  std::unique_lock lock(mutex);
  none_under_way.wait(lock, [this] { return commits == 0; });
}

void Queue::Inside::committed() {
  std::lock_guard lock(mutex);
  if (--commits == 0) none_under_way.notify_all();
}

void Queue::Inside::accept(mail::Envelope envelope, store::Draft draft, std::vector<std::string> decisions,
                           store::Told told, Accepted done) {
  const base::MessageId id = draft.id();
  const base::UtcTime now = parts.clock.utc();
  if (envelope.received == base::UtcTime{}) envelope.received = now;
  // Before those leave the envelope of whose end nobody is to hear.
  Acceptance acceptance(id, envelope, std::move(decisions));
  store::Claimed message{.id = id, .envelope = {}, .recipients = {}};
  bool untold = false;
  for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) {
    mail::Recipient& recipient = envelope.recipients[i];
    untold |= recipient.state == mail::RecipientState::untold;
    if (recipient.state != mail::RecipientState::waiting) continue;
    if (recipient.due == base::UtcTime{}) recipient.due = now;
    recipient.due = std::max(recipient.due, first_due(envelope, now));
    message.recipients.push_back(i);
  }
  mail::Edits edits = parts.finisher.finish(envelope, id);
  message.envelope = std::make_shared<const mail::Envelope>(envelope);
  {
    std::lock_guard lock(mutex);
    ++commits;
  }
  parts.spool.commit(std::move(draft), std::move(envelope), std::move(edits), owner, std::move(told),
                     [this, id, untold, message = std::move(message), acceptance = std::move(acceptance),
                      done = std::move(done)](base::Result<void> result) mutable {
                       if (result) {
                         acceptance.tell(parts.timeline);
                         scheduler->fresh(std::move(message), untold);
                         done(id);
                       } else {
                         done(std::unexpected(std::move(result.error())));
                       }
                       committed();
                     });
}

Queue::Queue(Parts parts) : spool_(parts.spool), inside_(std::make_unique<Inside>(std::move(parts))) {}
Queue::~Queue() = default;

void Queue::accept(mail::Envelope envelope, Draft draft, std::vector<std::string> decisions, Accepted done) {
  inside_->accept(std::move(envelope), std::move(draft), std::move(decisions), {}, std::move(done));
}

Operator& Queue::desk() { return *inside_->desk; }

void Queue::when_idle(std::move_only_function<void()> done) {
  inside_->scheduler->when_idle(std::move(done));
}

}  // namespace postrider::queue
