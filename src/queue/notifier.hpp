// Writes notifications (RFC 3464) to senders: of failures, of delays, and of successes where they were asked for.
// A notification is mail like any other: it is accepted by the queue, in the transaction that ends the recipients it
// tells of (or marks them as warned).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "queue/incoming.hpp"
#include "queue/teller.hpp"
#include "store/spool.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"

namespace postrider::queue {

// Recipients of one message that one notification tells of; those behind get another one.
inline constexpr std::size_t kRecipientsPerNotice = 1000;

// Thread rule: tell() and warn() from any thread; they return at once. One thread of its own reads the original and
// writes the notification; `done` comes on that one or on the store's.
class Notifier final : public Teller {
 public:
  struct Parts {
    store::Spool& spool;  // outlives the notifier, as all that the functions use
    sys::Clock& clock;
    std::function<std::shared_ptr<const config::Config>()> config;
    std::function<void(store::Event)> note;  // for the timeline
    // Makes it mail, as Queue::accept does (the finisher's edits, commit, into the scheduler's hands), and `told` in
    // the same transaction. `done` once, after the sync. Called on the notifier's thread; must not block.
    std::function<void(Incoming, store::Told,
                       std::move_only_function<void(base::Result<base::MessageId>)> done)>
        accept;
    // Where mail for a sender goes now: an alias of ours is followed. At least one; without the function the address
    // itself. Any thread; does not block.
    std::function<std::vector<mail::Recipient>(const mail::Address&)> recipients = {};
  };

  explicit Notifier(Parts parts);
  // Finishes what is being written; what waits fails. Each `done` has been called when it returns.
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // One notification of all failures, one of all successes, each committed by itself: after a failure, ask again with
  // what Backlog::untold() gives then. Recipients of whose end nobody is to hear (queue/notice.hpp) just go.
  void tell(store::Claimed untold, std::function<void(base::Result<void>)> done) override;
  // Recipients of whose delay nobody is to hear are left as they are.
  void warn(Delayed delayed, std::function<void(base::Result<bool>)> done) override;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace postrider::queue
