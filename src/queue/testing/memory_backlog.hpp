// The mail that waits, in memory: a store::Backlog for tests of the scheduler, whose time, order and failures the test
// decides. What is asked of it is put into two queues, as the spool has a writer and a reader, and answered by pump().
//
// One thread. It has no sense of time but that of the clock: leases end by the steady one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/backlog.hpp"
#include "store/spool.hpp"
#include "sys/clock.hpp"

namespace postrider::queue::testing {

class MemoryBacklog final : public store::Backlog {
 public:
  enum class Answers : std::uint8_t { when_pumped, at_once };
  explicit MemoryBacklog(const sys::Clock& clock, Answers answers = Answers::when_pumped)
      : clock_(clock), answers_(answers) {}

  // A committed message. With `owned` its waiting recipients are claimed for ever, and what comes back is what the
  // scheduler's fresh() takes; otherwise they lie on the disk.
  store::Claimed add(base::MessageId id, mail::Envelope envelope, bool owned = false);

  // Does what was asked first and answers it; false: nothing was asked. Writes come all together, in one transaction.
  bool pump_read();
  bool pump_writes();
  // Until nothing is asked any more, also by those who were answered.
  void pump();
  bool idle() const { return reads_.empty() && writes_.empty(); }
  // Called when something is asked for and nothing was; so that a simulation can plan the answer.
  std::function<void()> on_read, on_write;

  // While set, reads (destinations, claim, untold, suspensions) or writes (record, suspend, resume) fail so.
  std::optional<base::Failure> reads_fail, writes_fail;

  // The process is gone: claims are forgotten, answers never come. Of the writes that waited, the first `durable` were
  // on the disk already. Requires that the scheduler was destroyed.
  void crash(std::size_t durable = 0);

  // What a teller's commit does: `ended` goes if it is untold, `warned` is marked if it waits.
  void apply(const store::Told& told);

  // Before each update takes its effect: true where the row is there and not untold, so that it has one.
  std::function<void(const store::RecipientUpdate&, bool)> on_write_row;
  // How a record() ended, before it is told.
  std::function<void(bool)> on_record;

  // What is written of a recipient beside its address.
  struct Standing {
    mail::RecipientState state = mail::RecipientState::waiting;
    std::uint32_t attempts = 0;
    bool warned = false;
    bool owned = false;  // or was, until the lease ended
    base::UtcTime due{};
  };
  std::optional<Standing> standing(store::RecipientId id) const;
  // As it stands on the disk; nothing: it is gone.
  std::optional<mail::Recipient> find(store::RecipientId id) const;
  // With every recipient that is not gone; Claimed::recipients are those. Nothing: it is gone.
  std::optional<store::Claimed> find(base::MessageId id) const;
  bool is_owned(store::RecipientId id) const;
  std::size_t messages() const { return messages_.size(); }
  std::size_t recipients() const { return recipients_; }
  std::size_t owned() const { return owned_; }
  std::size_t suspensions_kept() const { return suspensions_.size(); }
  // Every recipient that is not gone, by id.
  std::vector<store::RecipientId> all() const;

  void destinations(
      store::DestinationsRequest request,
      std::move_only_function<void(base::Result<std::vector<store::DestinationDue>>)> done) override;
  void claim(store::ClaimRequest request,
             std::move_only_function<void(base::Result<store::ClaimedPage>)> done) override;
  void unclaim(std::vector<store::RecipientId> recipients) override;
  void aged(store::AgedRequest request,
            std::move_only_function<void(base::Result<store::AgedPage>)> done) override;
  void record(std::vector<store::RecipientUpdate> updates, store::Done done) override;
  void untold(base::MessageId after, std::size_t limit,
              std::move_only_function<void(base::Result<std::vector<store::Claimed>>)> done) override;
  void suspend(store::Suspension suspension,
               std::move_only_function<void(base::Result<std::uint64_t>)> done) override;
  void resume(std::uint64_t id, store::Done done) override;
  void suspensions(std::move_only_function<void(base::Result<std::vector<store::Suspension>>)> done) override;

 private:
  using Answer = std::move_only_function<void()>;
  using Request = std::move_only_function<Answer()>;  // does it, and returns what tells of it
  using Due = std::pair<base::UtcTime, store::RecipientId>;
  struct Destination {
    std::set<Due> free;  // waiting, owned by nobody
  };
  struct Row {
    Destination* destination = nullptr;
    bool gone = false;
    bool owned = false;
    bool lease_ended = false;  // and nothing was written since
    base::SteadyTime until{};  // of the lease
    mail::RecipientState state = mail::RecipientState::waiting;
    std::uint32_t attempts = 0;
    bool warned = false;
    base::UtcTime due{};
    std::optional<mail::Outcome> last;
  };
  struct Message {
    std::shared_ptr<const mail::Envelope> received;
    std::shared_ptr<const mail::Envelope> now;  // with the rows as they stand; null: to be made
    std::vector<Row> rows;
    std::size_t open = 0;
    std::size_t untold = 0;
  };
  using Messages = std::unordered_map<base::MessageId, Message>;

  void ask(std::deque<Request>& queue, const std::function<void()>& hook, Request request);
  Row* row(store::RecipientId id);
  void set_free(store::RecipientId id, Row& row);
  void set_owned(store::RecipientId id, Row& row, base::SteadyTime until);
  void write(const store::RecipientUpdate& update);
  void remove(store::RecipientId id, Message& message, Row& row);
  void end_leases();
  std::vector<store::RecipientId> matching(const store::ClaimRequest& request);
  store::ClaimedPage claim_now(const store::ClaimRequest& request);
  static std::shared_ptr<const mail::Envelope> envelope_of(Message& message);

  const sys::Clock& clock_;
  Answers answers_;
  std::deque<Request> reads_, writes_;
  std::map<std::string, Destination> destinations_;
  Messages messages_;
  std::set<base::MessageId> untold_;
  std::set<store::RecipientId> waiting_;  // owned or not
  std::map<std::uint64_t, store::Suspension> suspensions_;
  std::uint64_t last_suspension_ = 0;
  std::size_t recipients_ = 0;
  std::size_t owned_ = 0;
  using Lease = std::pair<base::SteadyTime, store::RecipientId>;
  std::priority_queue<Lease, std::vector<Lease>, std::greater<>> leases_;
};

}  // namespace postrider::queue::testing
