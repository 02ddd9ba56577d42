#include "queue/queue.hpp"

#include <algorithm>
#include <utility>

#include "queue/failure.hpp"
#include "queue/outcome_log.hpp"
#include "queue/scheduler.hpp"

namespace postrider::queue {
namespace {

// Refused alone at the end of the data: nothing is tried for it, but its end is told.
bool was_refused(const mail::Recipient& recipient) {
  return recipient.state == mail::RecipientState::untold && recipient.last;
}

// Takes out those whom nobody is to be told of: they have had their end. What to log of all the refused ones when the
// rest is durable; empty where there are none.
Mailbox::Task end_refused(base::MessageId id, mail::Envelope& envelope) {
  if (std::ranges::none_of(envelope.recipients, was_refused)) return {};
  auto before = std::make_shared<const mail::Envelope>(envelope);
  std::erase_if(envelope.recipients, [&](const auto& recipient) {
    return was_refused(recipient) && nobody_to_tell(*before, recipient);
  });
  return [id, before] {
    for (const auto& recipient : before->recipients) {
      if (!was_refused(recipient)) continue;
      log_outcome({.id = id,
                   .envelope = *before,
                   .recipient = recipient,
                   .outcome = *recipient.last,
                   .told_nobody = nobody_to_tell(*before, recipient)});
    }
  };
}

}  // namespace

Queue::Queue(store::Spool& spool, Router& router, const Finisher& finisher, sys::Clock& clock,
             std::function<std::shared_ptr<const config::Config>()> config)
    : spool_(spool), finisher_(finisher), clock_(clock), owner_("node" + std::to_string(config()->node)) {
  scheduler_ = std::make_unique<Scheduler>(Scheduler::Parts{spool, router, clock, std::move(config), owner_});
}

Queue::~Queue() = default;

void Queue::accept(mail::Envelope envelope, store::Draft draft, Accepted done) {
  const base::MessageId id = draft.id();
  const base::UtcTime now = clock_.utc();
  if (envelope.received == base::UtcTime{}) envelope.received = now;
  Mailbox::Task told = end_refused(id, envelope);
  store::Claimed message{.id = id, .envelope = {}, .recipients = {}};
  for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) {
    mail::Recipient& recipient = envelope.recipients[i];
    if (recipient.state != mail::RecipientState::waiting) continue;
    if (recipient.due == base::UtcTime{}) recipient.due = now;
    message.recipients.push_back(i);
  }
  mail::Edits edits = finisher_.finish(envelope, id);
  message.envelope = std::make_shared<const mail::Envelope>(envelope);
  spool_.commit(std::move(draft), std::move(envelope), std::move(edits), owner_,
                [mailbox = scheduler_->mailbox(), admit = scheduler_->fresh(std::move(message)),
                 told = std::move(told), id, done = std::move(done)](base::Result<void> result) mutable {
                  if (!result) return done(std::unexpected(std::move(result.error())));
                  if (told) mailbox->post(std::move(told));
                  mailbox->post(std::move(admit));
                  done(id);
                });
}

void Queue::when_idle(std::move_only_function<void()> done) { scheduler_->when_idle(std::move(done)); }

}  // namespace postrider::queue
