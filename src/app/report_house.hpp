// DMARC reports in the server: the parts of reports/ with what they stand on. Without its database all goes on without them.
#pragma once

#include <memory>

#include "app/settings.hpp"
#include "deliver/maildir_courier.hpp"
#include "queue/queue.hpp"
#include "reports/failure_sender.hpp"
#include "reports/recorder.hpp"
#include "reports/report_courier.hpp"
#include "reports/sender.hpp"

namespace postrider::app {

class ReportHouse final : public policy::JudgedObserver {
 public:
  // All outlive it. Opens the database; where that fails, that is logged, and courier() is null.
  ReportHouse(const Settings& settings, queue::Courier& mailbox, sys::Clock& clock);
  // Begins to send. Once, before the first message is judged.
  void start(queue::Queue& queue, sys::Resolver& resolver);
  // Before the queue goes.
  void stop();

  void judged(const policy::Judged& message) override;
  queue::Courier* courier() { return courier_.get(); }

 private:
  std::unique_ptr<reports::ReportStore> open() const;

  const Settings& settings_;
  sys::Clock& clock_;
  std::unique_ptr<reports::Recorder> recorder_;
  std::unique_ptr<reports::ReportCourier> courier_;
  std::unique_ptr<reports::ReportSender> sender_;
  std::unique_ptr<reports::FailureSender> failures_;
};

}  // namespace postrider::app
