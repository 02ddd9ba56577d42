// The courier for mailboxes here.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "deliver/mailbox.hpp"
#include "queue/courier.hpp"

namespace postrider::deliver {

// Gathers the deliveries that wait into batches for a MailboxStore, on one thread of its own: while one batch is
// synced, the next one gathers. More threads would only share the same disk's syncs among smaller batches. It has no
// deadline of its own: a call on a file can't be cancelled, and a disk that hangs holds the batch.
//
// Outcomes: delivered (250 2.0.0, detail: the file); deferred 4.2.2 mailbox full, 4.3.1 disk full, 4.3.0 not
// written, 4.3.5 not a mailbox; failed 5.1.1 no such user, 5.2.0 no such folder. RFC 3463 3.2 to 3.4
class MaildirCourier final : public queue::Courier {
 public:
  // Where a final address's mail goes; nothing for an unknown user. Called on the courier's thread.
  using Resolver = std::function<std::optional<MailboxTarget>(const mail::Address&)>;

  // The store outlives it.
  MaildirCourier(MailboxStore& store, Resolver resolver);
  // Ends the batch in hand; what waits is deferred (4.3.2).
  ~MaildirCourier() override;

  static queue::Site local_site() { return {.name = "local", .concurrency = kJobs}; }
  queue::CourierKind kind() const override { return queue::CourierKind::mailbox; }
  // local_site(), known at once.
  void locate(const queue::Destination& destination,
              std::move_only_function<void(queue::Located)> done) override;
  void deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) override;

  // Jobs that it has at a time: above what any batch takes, so that the next batch is ready when one ends; low enough
  // that all end within a stop's patience.
  static constexpr std::uint32_t kJobs = 2000;
  // Where quarantined mail goes, made where it is missing. RFC 6154 2, \Junk
  static constexpr const char* kJunkFolder = "Junk";
  // A batch takes no more; a message that is larger goes alone.
  static constexpr std::size_t kBatchMessages = 200;
  static constexpr std::uint64_t kBatchOctets = 32u << 20;

 private:
  struct Order;
  struct Part {
    std::shared_ptr<Order> order;
    std::size_t place = 0;  // in its job's recipients
  };

  void run();
  std::vector<Part> take();
  void carry_out(const std::vector<Part>& parts);
  void settle(const Part& part, mail::Outcome outcome);

  MailboxStore& store_;
  Resolver resolver_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Part> waiting_;  // bounded by the scheduler's jobs per courier
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postrider::deliver
