#include "store/scanner.hpp"

#include <algorithm>
#include <unordered_map>

#include "store/job.hpp"
#include "sys/thread_name.hpp"

namespace postrider::store {

Scanner::Connection::Connection(std::unique_ptr<Database> opened, State& state,
                                std::function<void(BadRecord)> report)
    : database(std::move(opened)),
      waiting(*database, state),
      loader(*database, std::move(report)),
      select_untold(*database,
                    "SELECT message, idx FROM recipient WHERE state = 3 AND message > ?1 "
                    "ORDER BY message, idx"),
      select_suspensions(*database,
                         "SELECT id, what, pattern, ends, reason, made FROM suspension ORDER BY id") {
  static_assert(static_cast<int>(mail::RecipientState::untold) == 3);
}

Scanner::Scanner(std::unique_ptr<Database> database, State& state, std::function<void(BadRecord)> report)
    : connection_(std::make_unique<Connection>(std::move(database), state, report)),
      state_(state),
      report_(std::move(report)),
      thread_([this] { run(); }) {}

bool Scanner::enqueue(Task& task) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

template <class T, class Ask>
void Scanner::post(Answer<T> done, Ask ask) {
  auto shared = std::make_shared<Answer<T>>(std::move(done));
  Task task = [shared, ask = std::move(ask)] {
    base::Result<T> answer;
    try {
      answer = ask();
    } catch (const SqlError& error) {
      answer = store_failure(error.what());
    }
    (*shared)(std::move(answer));
  };
  if (!enqueue(task)) (*shared)(store_failure("the spool is closed"));
}

void Scanner::destinations(DestinationsRequest request, Answer<std::vector<DestinationDue>> done) {
  post<std::vector<DestinationDue>>(std::move(done), [this, request = std::move(request)] {
    return connection_->waiting.destinations(request);
  });
}

void Scanner::aged(AgedRequest request, Answer<AgedPage> done) {
  post<AgedPage>(std::move(done), [this, request] { return connection_->waiting.aged(request); });
}

void Scanner::claim(ClaimRequest request, Answer<ClaimedPage> done) {
  post<ClaimedPage>(std::move(done), [this, request = std::move(request)] { return claim_now(request); });
}

void Scanner::untold(base::MessageId after, std::size_t limit, Answer<std::vector<Claimed>> done) {
  post<std::vector<Claimed>>(std::move(done), [this, after, limit] { return untold_now(after, limit); });
}

void Scanner::suspensions(Answer<std::vector<Suspension>> done) {
  post<std::vector<Suspension>>(std::move(done), [this] { return suspensions_now(); });
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

ClaimedPage Scanner::claim_now(const ClaimRequest& request) {
  ClaimedPage page;
  std::vector<DueKey> taken;
  try {
    page.next_due = connection_->waiting.claim(request, taken);
    load_claimed(taken, page.messages);
  } catch (const SqlError&) {
    // All or nothing: of rows that were left out nobody would be told that they are due.
    for (const DueKey& key : taken) state_.claims.release(key.id);
    throw;
  }
  return page;
}

void Scanner::load_claimed(const std::vector<DueKey>& taken, std::vector<Claimed>& messages) {
  // Oldest first by the message's first due recipient; all of a message together.
  std::vector<base::MessageId> order;
  std::unordered_map<base::MessageId, std::vector<std::uint32_t>> indexes;
  for (const DueKey& key : taken) {
    auto& of_message = indexes[key.id.message];
    if (of_message.empty()) order.push_back(key.id.message);
    of_message.push_back(key.id.index);
  }
  for (const base::MessageId id : order) {
    if (auto message = load(id, std::move(indexes[id]), mail::RecipientState::waiting))
      messages.push_back(std::move(*message));
  }
}

std::optional<Claimed> Scanner::load(base::MessageId id, std::vector<std::uint32_t> indexes,
                                     mail::RecipientState state) {
  try {
    auto loaded = connection_->loader.load(id);
    if (!loaded) return {};
    // What somebody recorded since the index was read may have another state.
    std::erase_if(indexes, [&](std::uint32_t index) {
      return !std::ranges::binary_search(loaded->present, index) ||
             loaded->envelope.recipients[index].state != state;
    });
    if (indexes.empty()) return {};
    return Claimed{.id = id,
                   .envelope = std::make_shared<const mail::Envelope>(std::move(loaded->envelope)),
                   .recipients = std::move(indexes)};
  } catch (const SqlError& error) {
    if (!error.is_damage()) throw;
    for (const std::uint32_t index : indexes)
      report_({.what = BadRecord::What::recipient, .id = {id, index}, .why = error.what()});
    return {};
  }
}

std::vector<Claimed> Scanner::untold_now(base::MessageId after, std::size_t limit) {
  std::vector<Claimed> found;
  bool more = true;
  // Until the page is full or all is seen, whatever of it can't be read: an empty page means that there is nothing.
  while (more && found.size() < limit) {
    std::vector<std::pair<base::MessageId, std::vector<std::uint32_t>>> messages;
    more = false;
    {
      Rows rows = connection_->select_untold.query(after.value);
      while (rows.next()) {
        const base::MessageId id{rows.number(0)};
        if (messages.empty() || messages.back().first != id) {
          more = messages.size() == limit - found.size();
          if (more) break;
          messages.push_back({id, {}});
        }
        messages.back().second.push_back(static_cast<std::uint32_t>(rows.number(1)));
      }
    }
    for (auto& [id, indexes] : messages) {
      after = id;
      if (auto message = load(id, std::move(indexes), mail::RecipientState::untold))
        found.push_back(std::move(*message));
    }
  }
  return found;
}

std::vector<Suspension> Scanner::suspensions_now() {
  std::vector<Suspension> found;
  Rows rows = connection_->select_suspensions.query();
  while (rows.next()) {
    Suspension suspension{.id = static_cast<std::uint64_t>(rows.number(0)),
                          .what = static_cast<Suspension::What>(rows.number(1)),
                          .pattern = std::string(rows.bytes(2)),
                          .until = {},
                          .reason = std::string(rows.bytes(4)),
                          .made = base::UtcTime(base::Milliseconds(rows.number(5)))};
    if (!rows.null(3)) suspension.until = base::UtcTime(base::Milliseconds(rows.number(3)));
    found.push_back(std::move(suspension));
  }
  return found;
}

}  // namespace postrider::store
