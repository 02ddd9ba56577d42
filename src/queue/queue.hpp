// The queue: takes responsibility for mail (accept), and decides what happens to it then.
//
// Thread rule: accept(), has_space() and desk() from any thread. All decisions are made on the queue's own strand.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "queue/courier.hpp"
#include "queue/finisher.hpp"
#include "queue/incoming.hpp"
#include "queue/operator.hpp"
#include "queue/router.hpp"
#include "store/spool.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"

namespace postrider::queue {

class Queue {
 public:
  using Accepted = std::move_only_function<void(base::Result<base::MessageId>)>;

  // All references outlive the queue.
  struct Parts {
    store::Spool& spool;
    store::Timeline& timeline;
    Router& router;
    const Finisher& finisher;
    sys::Clock& clock;
    sys::Random& random;
    std::function<std::shared_ptr<const config::Config>()> config;
  };
  // Starts scheduling what the spool holds.
  explicit Queue(Parts parts);
  // Stops: no new attempts; waits for running ones at most 10 s, the rest is claimed anew at the next start.
  ~Queue();

  // Envelope, draft and edits are committed; `done` after the sync (on the store's writer thread; must not block), with the
  // id, which is the draft's.
  void accept(Incoming incoming, Accepted done);

  // See Finisher.
  bool wants_body_hash(const mail::Origin& origin) const;

  base::Result<Draft> open_draft() { return spool_.open_draft(); }
  base::Result<void> has_space(std::uint64_t bytes) const { return spool_.has_space(bytes); }
  void flush(Draft& draft, store::Done done) { spool_.flush(draft, std::move(done)); }

  // What a postmaster can see and do. Lives as long as the queue.
  Operator& desk();

  // Calls `done` when every recipient that was due has been tried and recorded, and every sender told who was to be.
  // For tests and graceful stops.
  void when_idle(std::move_only_function<void()> done);

 private:
  struct Inside;
  store::Spool& spool_;
  std::unique_ptr<Inside> inside_;
};

}  // namespace postrider::queue
