#include "deliver/maildir_courier.hpp"

#include <utility>

#include "deliver/shared_content.hpp"
#include "policy/trace.hpp"
#include "sys/thread_name.hpp"

namespace postrider::deliver {
namespace {

mail::Outcome outcome(mail::Action action, mail::Reply reply, std::string detail) {
  return {
      .action = action, .reply = std::move(reply), .relay = "maildir", .detail = std::move(detail), .at = {}};
}

mail::Outcome outcome_of(MailboxResult result) {
  using mail::Action;
  if (result) return outcome(Action::delivered, mail::reply(250, 0, 0, "delivered"), std::move(*result));
  std::string& why = result.error().log;
  switch (result.error().fault) {
    case MailboxFault::over_quota:
      return outcome(Action::deferred, mail::reply(452, 2, 2, "mailbox full"), std::move(why));
    case MailboxFault::no_such_folder:
      return outcome(Action::failed, mail::reply(550, 2, 0, "no such folder"), std::move(why));
    case MailboxFault::no_space:
      return outcome(Action::deferred, mail::reply(452, 3, 1, "insufficient system storage"), std::move(why));
    case MailboxFault::not_ours:
      return outcome(Action::deferred, mail::reply(451, 3, 5, "mailbox misconfigured"), std::move(why));
    case MailboxFault::unwritten:
      break;
  }
  return outcome(Action::deferred, mail::reply(451, 3, 0, "mailbox could not be written"), std::move(why));
}

}  // namespace

struct MaildirCourier::Order {
  Order(queue::Job its_job, std::move_only_function<void(queue::Report)> its_done)
      : job(std::move(its_job)),
        done(std::move(its_done)),
        content(job.open),
        outcomes(job.recipients.size()),
        open(job.recipients.size()) {}
  const queue::Job job;
  std::move_only_function<void(queue::Report)> done;
  SharedContent content;
  std::vector<mail::Outcome> outcomes;
  std::size_t open;  // recipients without an outcome

  SharedContent::Open reader() {
    if (job.recipients.size() == 1) return job.open;
    return [this] { return content.open(); };
  }
};

MaildirCourier::MaildirCourier(MailboxStore& store, Resolver resolver)
    : store_(store), resolver_(std::move(resolver)), thread_([this] { run(); }) {}

MaildirCourier::~MaildirCourier() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
  for (const Part& part : waiting_) {
    settle(part, outcome(mail::Action::deferred, mail::reply(451, 3, 2, "shutting down"), {}));
  }
}

void MaildirCourier::locate(const queue::Destination&, std::move_only_function<void(queue::Located)> done) {
  done(local_site());
}

void MaildirCourier::deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) {
  const auto order = std::make_shared<Order>(std::move(job), std::move(done));
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < order->open; ++i) waiting_.push_back({order, i});
  }
  arrived_.notify_one();
}

void MaildirCourier::run() {
  sys::name_this_thread("maildir");
  for (;;) {
    const std::vector<Part> parts = take();
    if (parts.empty()) return;
    carry_out(parts);
  }
}

// Nothing when it is time to stop.
std::vector<MaildirCourier::Part> MaildirCourier::take() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  std::vector<Part> parts;
  std::uint64_t octets = 0;
  while (!stopping_ && !waiting_.empty() && parts.size() < kBatchMessages) {
    const std::uint64_t size = waiting_.front().order->job.envelope->size;
    if (!parts.empty() && octets + size > kBatchOctets) break;
    octets += size;
    parts.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return parts;
}

void MaildirCourier::carry_out(const std::vector<Part>& parts) {
  std::vector<MailboxDelivery> batch;
  std::vector<const Part*> known;
  for (const Part& part : parts) {
    const queue::Job& job = part.order->job;
    const mail::Address& recipient = job.envelope->recipients[job.recipients[part.place]].final;
    auto mailbox = resolver_(recipient);
    if (!mailbox) {
      settle(part, outcome(mail::Action::failed, mail::reply(550, 1, 1, "no such user here"), {}));
      continue;
    }
    batch.push_back({.mailbox = std::move(*mailbox),
                     .folder = job.envelope->junk ? kJunkFolder : "",
                     .missing = MissingFolder::create,
                     .flags = {},
                     .top = policy::return_path_field(job.reverse_path()) +  // RFC 5321 4.4
                            policy::delivered_to_field(recipient),
                     .open = part.order->reader()});
    known.push_back(&part);
  }
  auto results = store_.deliver(batch);
  for (std::size_t i = 0; i < known.size(); ++i) settle(*known[i], outcome_of(std::move(results[i])));
}

void MaildirCourier::settle(const Part& part, mail::Outcome outcome) {
  Order& order = *part.order;
  order.outcomes[part.place] = std::move(outcome);
  if (--order.open == 0) order.done({std::move(order.outcomes), queue::Contact::made, {}});
}

}  // namespace postrider::deliver
