// DMARC reports in the server: the parts of reports/ with what they stand on. Without its database all goes on without them.
#pragma once

#include <memory>

#include "app/settings.hpp"
#include "deliver/maildir_courier.hpp"
#include "queue/queue.hpp"
#include "reports/recorder.hpp"
#include "reports/report_courier.hpp"
#include "reports/sender.hpp"

namespace postrider::app {

class ReportHouse {
 public:
  // All outlive it. Opens the database; where that fails, that is logged, and recorder() and courier() are null.
  ReportHouse(const Settings& settings, queue::Courier& mailbox, sys::Clock& clock);
  // Begins to send. Once.
  void start(queue::Queue& queue, sys::Resolver& resolver);
  // Before the queue goes.
  void stop() { sender_.reset(); }

  policy::JudgedObserver* recorder() { return recorder_.get(); }
  queue::Courier* courier() { return courier_.get(); }

 private:
  std::unique_ptr<reports::ReportStore> open() const;

  const Settings& settings_;
  sys::Clock& clock_;
  std::unique_ptr<reports::Recorder> recorder_;
  std::unique_ptr<reports::ReportCourier> courier_;
  std::unique_ptr<reports::ReportSender> sender_;
};

}  // namespace postrider::app
