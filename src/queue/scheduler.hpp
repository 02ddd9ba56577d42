// The strand that owns all of the queue's decisions: what is tried when, and what becomes of it then.
//
// What it holds in memory is a window of the recipients that are due; the rest is on disk and found by its due
// time. Nothing here is locked: other threads post into the mailbox, and one thread takes from it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "config/config.hpp"
#include "queue/failure.hpp"
#include "queue/mailbox.hpp"
#include "queue/queue.hpp"
#include "store/spool.hpp"

namespace postrider::queue {

class Queue::Scheduler {
 public:
  struct Parts {
    store::Spool& spool;
    Router& router;
    sys::Clock& clock;
    std::function<std::shared_ptr<const config::Config>()> config;
    std::string owner;
  };

  explicit Scheduler(Parts parts);
  ~Scheduler();

  // A message that was just committed, its waiting recipients claimed by our owner. Any thread; must be called
  // through the mailbox's life only, see mailbox().
  std::move_only_function<void()> fresh(store::Claimed message);
  void when_idle(std::move_only_function<void()> done);
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

 private:
  // Jobs that one courier has or is to get.
  struct Lane {
    std::deque<store::Claimed> waiting;
    std::size_t running = 0;
  };
  // One recipient's outcome on its way to the disk.
  struct Decided {
    std::shared_ptr<const mail::Envelope> envelope;
    store::RecipientUpdate update;
    mail::Outcome outcome;  // for the log: what was decided, in its own words
    bool told_nobody = false;
  };
  using Batch = std::vector<Decided>;
  struct IdHash {
    std::size_t operator()(const store::RecipientId& id) const noexcept {
      return std::hash<base::MessageId>{}(id.message) ^ (std::size_t{id.index} * 0x9E3779B97F4A7C15u);
    }
  };
  struct Started {
    base::UtcTime utc{};
    base::SteadyTime steady{};
  };

  void run();
  bool finished() const;
  base::Milliseconds wait_time() const;

  void admit_fresh(store::Claimed message);
  void admit(store::Claimed message);
  void claim_due();
  void claimed(base::Result<std::vector<store::Claimed>> page, std::size_t limit);
  void ask_next_due(bool claim_was_empty);
  void due_at(base::UtcTime time);

  void start_jobs();
  void start_job(Courier& courier, store::Claimed job);
  void attempted(Courier& courier, store::Claimed job, Outcomes outcomes, Started started);
  void conclude(const store::Claimed& job, std::uint32_t index, mail::Outcome outcome, Started started);
  void hold(const store::Claimed& job, std::uint32_t index);

  void record_decided();
  void recorded(Batch batch, const base::Result<void>& result);
  void tell_idle();

  Parts parts_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::mt19937_64 random_{std::random_device{}()};
  std::shared_ptr<const config::Config> settings_;  // of this round

  std::unordered_set<store::RecipientId, IdHash> window_;  // in memory, from claim to record
  std::map<Courier*, Lane> lanes_;
  std::size_t running_ = 0;
  Batch decided_;
  std::size_t recording_ = 0;  // batches that the spool has
  bool recording_fails_ = false;
  base::SteadyTime record_after_{};

  std::optional<base::UtcTime> next_due_;  // the earliest on disk, as far as we know
  bool asking_spool_ = false;              // a claim or a next_due is under way
  base::SteadyTime ask_after_{};
  base::SteadyTime asked_{};

  std::vector<std::move_only_function<void()>> idle_;
  std::optional<base::SteadyTime> stop_by_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace postrider::queue
