#include "store/scanner.hpp"

#include <algorithm>

#include "store/envelope_record.hpp"
#include "store/job.hpp"
#include "store/recipient_record.hpp"
#include "sys/thread_name.hpp"

namespace postrider::store {
namespace {

constexpr base::Milliseconds kLongestLease = std::chrono::days(365);

DueKey key_of(const Rows& rows) {
  return {base::UtcTime(base::Milliseconds(rows.number(0))),
          {base::MessageId{rows.number(1)}, static_cast<std::uint32_t>(rows.number(2))}};
}

// A scan of the claims that ends where it got to, however it ends.
class Scan {
 public:
  Scan(Claims& claims, base::SteadyTime now) : claims_(claims), at_(claims.begin_scan(now)) {}
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;
  ~Scan() { claims_.end_scan(at_); }
  const DueKey& start() const { return at_; }
  void passed(const DueKey& key) { at_ = key; }

 private:
  Claims& claims_;
  DueKey at_;
};

// One state of the file for several statements.
class Snapshot {
 public:
  Snapshot(Statement& begin, Statement& rollback) : rollback_(rollback) { begin.run(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    try {
      rollback_.run();
    } catch (const SqlError&) {
      // SQLite has rolled back by itself.
    }
  }

 private:
  Statement& rollback_;
};

}  // namespace

Scanner::Connection::Connection(std::unique_ptr<Database> opened)
    : database(std::move(opened)),
      begin(*database, "BEGIN"),
      rollback(*database, "ROLLBACK"),
      select_due(*database,
                 "SELECT due, message, idx FROM recipient WHERE state = 1 AND due < ?1 "
                 "AND (due, message, idx) >= (?2, ?3, ?4) ORDER BY due, message, idx"),
      select_envelope(*database, "SELECT envelope FROM message WHERE id = ?1"),
      select_recipients(*database,
                        "SELECT idx, state, due, record FROM recipient WHERE message = ?1 ORDER BY idx") {}

Scanner::Scanner(std::unique_ptr<Database> database, State& state, std::function<void(BadRecord)> report)
    : connection_(std::make_unique<Connection>(std::move(database))),
      state_(state),
      report_(std::move(report)),
      thread_([this] { run(); }) {}

bool Scanner::post(Task& task) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void Scanner::claim(ClaimRequest request, Claimable done) {
  auto shared = std::make_shared<Claimable>(std::move(done));
  Task task = [this, request, shared] { (*shared)(claim_now(request)); };
  if (!post(task)) (*shared)(store_failure("the spool is closed"));
}

void Scanner::next_due(NextDue done) {
  auto shared = std::make_shared<NextDue>(std::move(done));
  Task task = [this, shared] { (*shared)(next_due_now()); };
  if (!post(task)) (*shared)(store_failure("the spool is closed"));
}

void Scanner::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  connection_.reset();
}

void Scanner::run() {
  sys::name_this_thread("spool-reader");
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || !tasks_.empty(); });
    if (tasks_.empty()) break;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
  ended_ = true;
}

void Scanner::take_due(const ClaimRequest& request, std::vector<DueKey>& taken) {
  const auto until = state_.clock.steady() + std::min(request.lease, kLongestLease);
  Scan scan(state_.claims, state_.clock.steady());
  const DueKey from = scan.start();
  Rows rows = connection_->select_due.query(request.due_before.time_since_epoch().count(),
                                            from.due.time_since_epoch().count(), from.id.message.value,
                                            std::int64_t{from.id.index});
  while (taken.size() < request.limit && rows.next()) {
    const DueKey key = key_of(rows);
    if (state_.claims.take(key, until)) taken.push_back(key);
    scan.passed(key);
  }
}

base::Result<std::vector<Claimed>> Scanner::claim_now(const ClaimRequest& request) {
  std::vector<DueKey> taken;
  try {
    take_due(request, taken);
  } catch (const SqlError& error) {
    for (const DueKey& key : taken) state_.claims.release(key.id);
    return store_failure(error.what());
  }
  // Oldest first by the message's first due recipient; all of a message together.
  std::vector<base::MessageId> order;
  std::unordered_map<base::MessageId, std::vector<std::uint32_t>> indexes;
  for (const DueKey& key : taken) {
    auto& of_message = indexes[key.id.message];
    if (of_message.empty()) order.push_back(key.id.message);
    of_message.push_back(key.id.index);
  }
  std::vector<Claimed> claimed;
  for (const base::MessageId id : order) {
    if (auto message = load(id, indexes[id])) claimed.push_back(std::move(*message));
  }
  return claimed;
}

base::Result<std::optional<base::UtcTime>> Scanner::next_due_now() {
  try {
    Scan scan(state_.claims, state_.clock.steady());
    const DueKey from = scan.start();
    Rows rows = connection_->select_due.query(std::int64_t{INT64_MAX}, from.due.time_since_epoch().count(),
                                              from.id.message.value, std::int64_t{from.id.index});
    while (rows.next()) {
      const DueKey key = key_of(rows);
      if (state_.claims.is_free(key)) return key.due;
      scan.passed(key);
    }
    return std::optional<base::UtcTime>();
  } catch (const SqlError& error) {
    return store_failure(error.what());
  }
}

std::optional<mail::Envelope> Scanner::load_envelope(base::MessageId id) {
  std::string why = "not a record that this version can read";
  try {
    Rows rows = connection_->select_envelope.query(id.value);
    if (rows.next()) {
      if (auto record = decode_envelope(rows.bytes(0))) return std::move(record->envelope);
    } else {
      why = "missing";
    }
  } catch (const SqlError& error) {
    if (!error.is_damage()) throw;
    why = error.what();
  }
  report_({.what = BadRecord::What::envelope, .id = {id, 0}, .why = why});
  return {};
}

bool Scanner::load_recipients(base::MessageId id, mail::Envelope& envelope,
                              std::vector<std::uint32_t>& claimed) {
  Rows rows = connection_->select_recipients.query(id.value);
  while (rows.next()) {
    const auto index = static_cast<std::uint32_t>(rows.number(0));
    const std::int64_t state = rows.number(1);
    if (state == 9) continue;
    auto record = decode_recipient(rows.bytes(3));
    if (!record || index >= envelope.recipients.size() || state < 1 || state > 3) {
      std::erase(claimed, index);
      report_({.what = BadRecord::What::recipient,
               .id = {id, index},
               .why = "not a record that this version can read"});
      continue;
    }
    mail::Recipient& recipient = envelope.recipients[index];
    recipient.state = static_cast<mail::RecipientState>(state);
    recipient.due = base::UtcTime(base::Milliseconds(rows.number(2)));
    recipient.attempts = record->attempts;
    recipient.last = std::move(record->last);
  }
  return !claimed.empty();
}

std::optional<Claimed> Scanner::load(base::MessageId id, const std::vector<std::uint32_t>& indexes) {
  try {
    const Snapshot snapshot(connection_->begin, connection_->rollback);
    auto envelope = load_envelope(id);
    if (!envelope) return {};
    Claimed claimed{.id = id, .envelope = {}, .recipients = indexes};
    if (!load_recipients(id, *envelope, claimed.recipients)) return {};
    claimed.envelope = std::make_shared<const mail::Envelope>(std::move(*envelope));
    return claimed;
  } catch (const SqlError& error) {
    for (const std::uint32_t index : indexes) {
      if (error.is_damage())
        report_({.what = BadRecord::What::recipient, .id = {id, index}, .why = error.what()});
      else
        state_.claims.release({id, index});
    }
    return {};
  }
}

}  // namespace postrider::store
