// Takes mail for [dmarc] report_address: reports go into the database instead of a mailbox.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "queue/courier.hpp"
#include "reports/report_store.hpp"
#include "sys/clock.hpp"
#include "sys/pool.hpp"

namespace postrider::reports {

// What is no report about a domain of ours, or can't be read, goes on to the mailbox as any other mail; why, its timeline
// says. So do failure reports, since a person wants to read them: they are stored besides. Nothing is lost: an aggregate
// report is only taken when it is on the disk, and deferred (4.3.0) where it can't be written. Anybody may send one: whether its
// mail passed DMARC is stored with it.
class ReportCourier final : public queue::Courier {
 public:
  static constexpr std::uint32_t kJobs = 4;  // at a time

  struct Parts {
    std::unique_ptr<ReportStore> store;
    queue::Courier& mailbox;  // outlives it
    sys::Clock& clock;
    // Whether mail in this domain's name is ours to watch. Called on its thread.
    std::function<bool(const mail::Domain&)> is_ours;
    mail::Domain hostname;  // whose Authentication-Results count
  };
  explicit ReportCourier(Parts parts);
  // Ends what is in hand; what waits is done too.
  ~ReportCourier() override;

  queue::CourierKind kind() const override { return queue::CourierKind::mailbox; }
  void locate(const queue::Destination& destination,
              std::move_only_function<void(queue::Located)> done) override;
  void deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) override;

 private:
  void take(queue::Job job, std::move_only_function<void(queue::Report)> done);
  // What was stored, for people. Failure: permanent, where it is no report that belongs here.
  base::Result<std::string> store(const std::string& message);
  base::Result<std::string> store(const wire::dmarc_report::Feedback& feedback, const Origin& origin);
  void pass_on(queue::Job job, std::string why, std::move_only_function<void(queue::Report)> done);

  Parts parts_;
  std::unique_ptr<sys::Pool> pool_;
};

}  // namespace postrider::reports
