// Sends the day's aggregate reports when the day is over. RFC 9990 3.5
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "config/config.hpp"
#include "reports/outgoing_mail.hpp"
#include "reports/report_store.hpp"

namespace postrider::reports {

// From the end of a day to the report about a domain: some minutes for what is still on its way into the database, and a time
// that differs between domains and servers, so that not all reports of the world arrive at midnight.
base::Milliseconds delay_after_day(std::string_view domain, std::string_view hostname);

class ReportSender {
 public:
  static constexpr base::Milliseconds kDnsPatience{
      std::chrono::seconds(60)};  // with all questions of one report
  static constexpr base::Milliseconds kRetry{std::chrono::hours(1)};
  static constexpr std::uint32_t kMostAttempts = 24;
  static constexpr std::chrono::seconds kLook{60};  // between two looks for what is due

  explicit ReportSender(SenderParts parts);
  ReportSender(const ReportSender&) = delete;
  ReportSender& operator=(const ReportSender&) = delete;
  // Ends the report in hand.
  ~ReportSender();

  // Its thread, which looks at once and then each kLook.
  void start();
  // Sends all that is due now, and forgets what is old. One thread at a time; blocks.
  void look();

 private:
  void run();
  void attempt(OutgoingReport report, const config::Config& config);
  void settle(OutgoingReport report, ReportState state, std::string note);
  void put_off(OutgoingReport report, const std::string& why);
  base::Result<std::string> send(const wire::dmarc_report::Feedback& feedback, const Destinations& to,
                                 const config::Config& config, std::size_t& sent);

  SenderParts parts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postrider::reports
