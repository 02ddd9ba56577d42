#include "queue/queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
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

namespace {

// As the scheduler would, but in the transaction that makes it mail. What is not to be tried yet (RFC 4865) is asked of its
// route when it is.
void hold_by_route(mail::Envelope& envelope, const Router& router, base::UtcTime now) {
  if (envelope.hold_until && *envelope.hold_until > now) return;
  for (mail::Recipient& recipient : envelope.recipients) {
    if (recipient.state != mail::RecipientState::waiting || !router.holds(recipient)) continue;
    recipient.state = mail::RecipientState::held;
    recipient.attempts = 1;
    recipient.last = held_by_route(now);
  }
}

}  // namespace

struct Queue::Inside {
  explicit Inside(Parts all);
  ~Inside();
  void accept(Incoming incoming, store::Told told, Accepted done);
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
      .accept = [this](Incoming incoming, store::Told told,
                       Accepted done) { accept(std::move(incoming), std::move(told), std::move(done)); },
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

void Queue::Inside::accept(Incoming incoming, store::Told told, Accepted done) {
  mail::Envelope envelope = std::move(incoming.envelope);
  const base::MessageId id = incoming.draft.id();
  const base::UtcTime now = parts.clock.utc();
  if (envelope.received == base::UtcTime{}) envelope.received = now;
  hold_by_route(envelope, parts.router, now);
  mail::Edits edits = std::move(incoming.edits);
  Finish finish = parts.finisher.finish({envelope, id, edits, incoming.content, incoming.above});
  std::ranges::move(finish.edits, std::back_inserter(edits));
  std::ranges::move(incoming.above, std::back_inserter(edits));
  std::ranges::move(finish.decisions, std::back_inserter(incoming.decisions));
  // Before those leave the envelope of whose end nobody is to hear.
  Acceptance acceptance(id, envelope, std::move(incoming.decisions));
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
  const bool to_schedule = !message.recipients.empty();
  if (to_schedule) message.envelope = std::make_shared<const mail::Envelope>(envelope);
  {
    std::lock_guard lock(mutex);
    ++commits;
  }
  parts.spool.commit(
      std::move(incoming.draft), std::move(envelope), std::move(edits), owner, std::move(told),
      [this, id, untold, to_schedule, message = std::move(message), acceptance = std::move(acceptance),
       done = std::move(done)](base::Result<void> result) mutable {
        if (result) {
          acceptance.tell(parts.timeline);
          if (to_schedule || untold) scheduler->fresh(std::move(message), untold);
          done(id);
        } else {
          done(std::unexpected(std::move(result.error())));
        }
        committed();
      });
}

Queue::Queue(Parts parts) : spool_(parts.spool), inside_(std::make_unique<Inside>(std::move(parts))) {}
Queue::~Queue() = default;

void Queue::accept(Incoming incoming, Accepted done) {
  inside_->accept(std::move(incoming), {}, std::move(done));
}

bool Queue::wants_body_hash(const mail::Origin& origin) const {
  return inside_->parts.finisher.wants_body_hash(origin);
}

Operator& Queue::desk() { return *inside_->desk; }

void Queue::when_idle(std::move_only_function<void()> done) {
  inside_->scheduler->when_idle(std::move(done));
}

}  // namespace postrider::queue
