// The queue: takes responsibility for mail (accept), and decides what happens to it then.
//
// Thread rule: accept() and has_space() from any thread. All decisions are made on the queue's own strand.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "queue/courier.hpp"
#include "queue/finisher.hpp"
#include "store/spool.hpp"
#include "sys/clock.hpp"

namespace postrider::queue {

// Which courier takes a recipient now. Asked at each attempt, never stored.
class Router {
 public:
  virtual ~Router() = default;
  struct Choice {
    Courier* courier = nullptr;  // outlives the queue; null: see `instead`
    std::string site;            // recipients of one message with the same courier and site go together
    std::optional<mail::Outcome> instead;  // no courier: what became of it (discarded, deferred, failed)
    bool hold = false;                     // wait for an operator
  };
  // On the queue's strand; must not block.
  virtual Choice choose(const mail::Envelope& envelope, const mail::Recipient& recipient) = 0;
};

// A message that is being received; see store/spool.hpp. Its owner is whoever receives.
using Draft = store::Draft;

class Queue {
 public:
  using Accepted = std::move_only_function<void(base::Result<base::MessageId>)>;

  // All references outlive the queue. Starts scheduling what the spool holds.
  Queue(store::Spool& spool, Router& router, const Finisher& finisher, sys::Clock& clock,
        std::function<std::shared_ptr<const config::Config>()> config);
  // Stops: no new attempts; waits for running ones at most 10 s, the rest is claimed anew at the next start.
  ~Queue();

  // Edits are made by the finisher, then envelope and draft are committed; `done` after the sync (on the
  // store's writer thread; must not block), with the id, which is the draft's.
  void accept(mail::Envelope envelope, Draft draft, Accepted done);

  base::Result<Draft> open_draft() { return spool_.open_draft(); }
  base::Result<void> has_space(std::uint64_t bytes) const { return spool_.has_space(bytes); }
  void flush(Draft& draft, store::Done done) { spool_.flush(draft, std::move(done)); }

  // Calls `done` when every recipient that was due has been tried and recorded. For tests and graceful stops.
  void when_idle(std::move_only_function<void()> done);

 private:
  store::Spool& spool_;
  class Scheduler;
  std::unique_ptr<Scheduler> scheduler_;
  const Finisher& finisher_;
  sys::Clock& clock_;
  std::string owner_;  // of claims in the spool: this node
};

}  // namespace postrider::queue
