// The thread that looks into the queue for others: one question at a time, so that two claims never see the same row.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "store/backlog.hpp"
#include "store/loader.hpp"
#include "store/state.hpp"
#include "store/waiting_index.hpp"

namespace postrider::store {

// Any thread, but for the constructor and close(). Completions are called on its thread. What is asked after
// close() fails at once, on the caller's thread.
class Scanner {
 public:
  template <class T>
  using Answer = std::move_only_function<void(base::Result<T>)>;

  // `report` is told of each record that can't be read; one that was claimed stays owned. `state` outlives the
  // scanner.
  Scanner(std::unique_ptr<Database> database, State& state, std::function<void(BadRecord)> report);
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;
  ~Scanner() { close(); }

  // As Backlog has them.
  void destinations(DestinationsRequest request, Answer<std::vector<DestinationDue>> done);
  void claim(ClaimRequest request, Answer<ClaimedPage> done);
  void aged(AgedRequest request, Answer<AgedPage> done);
  void untold(base::MessageId after, std::size_t limit, Answer<std::vector<Claimed>> done);
  void suspensions(Answer<std::vector<Suspension>> done);
  // Does what was asked, ends the thread and closes the connection.
  void close();

 private:
  using Task = std::move_only_function<void()>;

  // Answers with what `ask` returns, or with the failure that it throws.
  template <class T, class Ask>
  void post(Answer<T> done, Ask ask);
  bool enqueue(Task& task);
  void run();
  ClaimedPage claim_now(const ClaimRequest& request);
  void load_claimed(const std::vector<DueKey>& taken, std::vector<Claimed>& messages);
  // Those of the indexes that are in this state.
  std::optional<Claimed> load(base::MessageId id, std::vector<std::uint32_t> indexes,
                              mail::RecipientState state);
  std::vector<Claimed> untold_now(base::MessageId after, std::size_t limit);
  std::vector<Suspension> suspensions_now();

  struct Connection {
    Connection(std::unique_ptr<Database> opened, State& state, std::function<void(BadRecord)> report);
    std::unique_ptr<Database> database;
    WaitingIndex waiting;
    Loader loader;
    Statement select_untold, select_suspensions;
  };
  std::unique_ptr<Connection> connection_;
  State& state_;
  std::function<void(BadRecord)> report_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool closing_ = false;
  bool ended_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace postrider::store
