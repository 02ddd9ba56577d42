// The strand that owns all of the queue's decisions: what is tried when, and what becomes of it then.
//
// Memory holds one summary for each destination with waiting mail, and a window of the recipients that are due; the
// rest is on disk and found by its destination and due time. Nothing here is locked: other threads post into the
// mailbox, and whoever calls step() takes from it. That is the queue's thread; in the simulation it is the test.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "queue/courier.hpp"
#include "queue/locating.hpp"
#include "queue/mailbox.hpp"
#include "queue/operator.hpp"
#include "queue/router.hpp"
#include "queue/teller.hpp"
#include "store/backlog.hpp"
#include "store/timeline.hpp"
#include "sys/clock.hpp"
#include "sys/random.hpp"

namespace postrider::queue {

class Scheduler {
 public:
  struct Parts {
    store::Backlog& backlog;
    Router& router;
    Teller& teller;
    sys::Clock& clock;
    sys::Random& random;  // jitter; with the same numbers and the same events all goes the same way
    std::function<std::shared_ptr<const config::Config>()> config;
    // Opens a message for a courier.
    std::function<std::unique_ptr<Content>(base::MessageId)> open;
    std::function<void(store::Event)> note;  // for the timeline
    std::string owner;                       // of claims: this node
  };

  // Does nothing yet but ask the backlog for its destinations; step() does.
  explicit Scheduler(Parts parts);
  // Requires that nobody is in step(). What comes later finds a closed mailbox.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Waits for at most `longest` (real time) until something was posted, then does all that can be done now. How
  // long it may sleep next is wait_time(): until the next thing is due by the clock, at most a second, so that a
  // clock that was set is noticed. False: stopped, and nothing is under way. One thread.
  bool step(base::Milliseconds longest);
  base::Milliseconds wait_time() const;

  // Any thread, all of these.
  // No new attempts. Those under way are waited for, for 10 s of the steady clock.
  void stop();
  // A message that was just committed, its waiting recipients claimed by our owner; `untold`: it has some of these.
  void fresh(store::Claimed message, bool untold);
  // When every recipient that was due has been tried and recorded, and nobody is left to be told. What may not be
  // tried now (suspended, its site given up for a while) does not count.
  void when_idle(std::move_only_function<void()> done);
  // See queue/operator.hpp. Completions come on the strand, and must not block.
  // `messages` as Spool::find gives them, each with those of its recipients that are meant: what the strand does not
  // have in memory it judges by their state there.
  void change(std::vector<store::Claimed> messages, Change change, std::string reason,
              std::move_only_function<void(base::Result<Changed>)> done);
  void suspend(store::Suspension suspension, std::move_only_function<void(base::Result<std::uint64_t>)> done);
  void resume(std::uint64_t id, std::move_only_function<void(base::Result<void>)> done);
  void suspensions(std::move_only_function<void(base::Result<std::vector<store::Suspension>>)> done);
  void sites(std::move_only_function<void(std::vector<SiteState>)> done);
  void destinations_of(std::string site, std::move_only_function<void(std::vector<std::string>)> done);
  // Those of the names whose site is not known here.
  void without_site(std::vector<std::string> names,
                    std::move_only_function<void(std::vector<std::string>)> done);
  // By what the router says of the first recipient of each; what it gives no courier is left out.
  void whereto(std::vector<store::Claimed> samples, std::move_only_function<void(std::vector<Whereto>)> done);
  // Of each of `message.recipients`.
  void explain(store::Claimed message, std::move_only_function<void(std::vector<Waiting>)> done);

  // What the simulation checks: recipients in memory now, and the most that there ever were.
  struct Load {
    std::size_t window = 0;
    std::size_t most_window = 0;
    std::size_t destinations = 0;
    std::size_t sites = 0;
    std::size_t running = 0;
  };
  // In between two steps, by whoever calls step().
  Load load() const;

 private:
  struct Strand;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Strand> strand_;
};

}  // namespace postrider::queue
