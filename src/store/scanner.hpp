// The thread that looks for due recipients: one at a time, so that two claims never see the same row.
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
#include "store/quarantine.hpp"
#include "store/spool.hpp"
#include "store/state.hpp"

namespace postrider::store {

// What claim() was asked for.
struct ClaimRequest {
  base::UtcTime due_before{};
  std::size_t limit = 0;
  base::Milliseconds lease{};
};

// Any thread, but for the constructor and close(). Completions are called on its thread.
class Scanner {
 public:
  using Claimable = std::move_only_function<void(base::Result<std::vector<Claimed>>)>;
  using NextDue = std::move_only_function<void(base::Result<std::optional<base::UtcTime>>)>;

  // `report` is told of each record that can't be read; it stays owned. `state` outlives the scanner.
  Scanner(std::unique_ptr<Database> database, State& state, std::function<void(BadRecord)> report);
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;
  ~Scanner() { close(); }

  void claim(ClaimRequest request, Claimable done);
  void next_due(NextDue done);
  // Does what was asked, ends the thread and closes the connection. What is asked later fails at once, on the
  // caller's thread.
  void close();

 private:
  using Task = std::move_only_function<void()>;

  bool post(Task& task);
  void run();
  base::Result<std::vector<Claimed>> claim_now(const ClaimRequest& request);
  base::Result<std::optional<base::UtcTime>> next_due_now();
  // Appends to `taken`, also before it throws.
  void take_due(const ClaimRequest& request, std::vector<DueKey>& taken);
  std::optional<Claimed> load(base::MessageId id, const std::vector<std::uint32_t>& indexes);
  std::optional<mail::Envelope> load_envelope(base::MessageId id);
  bool load_recipients(base::MessageId id, mail::Envelope& envelope, std::vector<std::uint32_t>& claimed);

  struct Connection {
    explicit Connection(std::unique_ptr<Database> opened);
    std::unique_ptr<Database> database;
    Statement begin, rollback;
    Statement select_due, select_envelope, select_recipients;
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
