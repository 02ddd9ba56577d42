// The postmaster's view of the queue: lists and messages from the spool, all that changes through the strand.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "queue/operator.hpp"
#include "queue/scheduler.hpp"
#include "store/spool.hpp"
#include "sys/clock.hpp"

namespace postrider::queue {

// Any thread but the strand's and the store's: all calls block (see operator.hpp).
class Desk final : public Operator {
 public:
  // References outlive the desk.
  struct Parts {
    store::Spool& spool;
    Scheduler& scheduler;
    sys::Clock& clock;
  };
  explicit Desk(Parts parts);

  base::Result<store::ListedPage> list(const store::Selection& selection,
                                       std::optional<store::RecipientId> after, std::size_t limit) override;
  base::Result<Shown> show(base::MessageId id) override;
  base::MessageId boundary() override { return parts_.spool.boundary(); }
  // What is gone, in quarantine or in a state that does not fit (fits()) is counted as unfit, and nothing is done to it.
  // At most 1,000 recipients; more are refused with 5.5.4.
  base::Result<Changed> change(std::vector<store::RecipientId> recipients, Change change,
                               const std::string& reason) override;
  // Instead of an earlier one of the same thing. `made` is set here.
  base::Result<std::uint64_t> suspend(store::Suspension suspension) override;
  base::Result<void> resume(std::uint64_t id) override;
  base::Result<std::vector<store::Suspension>> suspensions() override;
  base::Result<std::vector<SiteState>> sites() override;
  base::Result<Found> destinations_of(const std::string& site) override;

 private:
  base::Result<std::vector<store::RecipientId>> without_site(std::uint64_t& left_out);
  base::Result<std::string> header_of(base::MessageId id);
  base::Result<std::vector<store::Claimed>> fit_ones(const std::vector<store::RecipientId>& recipients,
                                                     Change change);
  Parts parts_;
};

}  // namespace postrider::queue
