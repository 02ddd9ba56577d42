// Notes of each message that was judged what a DMARC report is to say of it. RFC 9990 3.1
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "policy/judged.hpp"
#include "reports/report_store.hpp"
#include "sys/clock.hpp"

namespace postrider::reports {

// What is to be reported of it; nothing where nobody wants to know: the author's domain has no DMARC record with rua, DMARC
// could not be judged for now, or the message is a report itself that passes (or reports would be answered by reports, for
// ever). Pure.
std::optional<Seen> seen_of(const policy::Judged& message);

// Any thread. What was noted is on the disk, synced, a second later: a crash loses at most that second.
class Recorder final : public policy::JudgedObserver {
 public:
  // Messages that wait for the disk; above it they are dropped and counted, so that no message ever waits for its statistics.
  static constexpr std::size_t kMostWaiting = 20'000;

  explicit Recorder(std::unique_ptr<ReportStore> store);
  // Writes what was noted.
  ~Recorder() override;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void judged(const policy::Judged& message) override;
  void note(Seen seen);
  // Returns when all that was noted before is on the disk, or could not be written.
  void flush();

 private:
  void run();
  void write(std::vector<Seen> batch);

  std::unique_ptr<ReportStore> store_;
  std::mutex mutex_;
  std::condition_variable wanted_, written_;
  std::vector<Seen> waiting_;
  bool stopping_ = false, hurry_ = false;
  std::thread thread_;
};

}  // namespace postrider::reports
