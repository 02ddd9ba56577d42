// Tells the owner of a domain at once of one message in its name that failed, where [dmarc] failure_reports says so. RFC 9991
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "policy/judged.hpp"
#include "reports/failure_incident.hpp"
#include "reports/outgoing_mail.hpp"
#include "reports/report_store.hpp"

namespace postrider::reports {

// A report is worth less than mail: where the DNS, the queue or the database fails, or too many wait, it is dropped and counted.
class FailureSender final : public policy::JudgedObserver {
 public:
  // Each has up to 64 KiB of header, and some more.
  static constexpr std::size_t kMostWaiting = 100;
  // In a day (UTC), of all domains together; that of one domain is [dmarc] failure_reports_per_day. RFC 9991 2, 8.1
  static constexpr std::uint32_t kMostPerDay = 1000;
  static constexpr base::Milliseconds kDnsPatience{std::chrono::seconds(20)};  // of one report

  explicit FailureSender(SenderParts parts);
  FailureSender(const FailureSender&) = delete;
  FailureSender& operator=(const FailureSender&) = delete;
  ~FailureSender() override { stop(); }

  // Its thread.
  void start();
  // Ends the report in hand; what waits is dropped. What is judged later, too.
  void stop();

  // Any thread. Copies a header where it is to be reported of, and nothing else.
  void judged(const policy::Judged& message) override;
  // Sends what waits. One thread at a time; blocks.
  void send_all();

 private:
  // Counts it where there is a place for it today. In memory, so that a flood of forged mail costs no more than this; the
  // database counts again, since it knows what was before the start. Under the mutex.
  bool take_place(Day day, const std::string& domain, std::uint32_t most);
  void run();
  void send(Incident incident, const config::Config& config);
  struct Written {
    std::size_t mails = 0;
    std::string note{};  // for people
  };
  base::Result<Written> write(const Incident& incident, const Destinations& to, const config::Config& config);

  SenderParts parts_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Incident> waiting_;
  Day day_{};                                    // that `places_` is of
  std::map<std::string, std::uint32_t> places_;  // taken, by domain; kMostPerDay at most
  std::uint32_t taken_ = 0;                      // all of them
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postrider::reports
