// The courier for programs: pipe:/path/of/a/program.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "deliver/files.hpp"
#include "deliver/program.hpp"
#include "queue/courier.hpp"
#include "sys/pool.hpp"

namespace postrider::deliver {

// One run of the program for each recipient, each a job of its own, so that what has ended is recorded at once; kPrograms at
// a time, on the pool "pipe". On its standard input: Return-Path and Delivered-To (RFC 5321 4.4), then the message, with
// LF line ends. It has the route's time limit.
//
// Outcomes, with the first line of what the program wrote:
//   delivered 250 2.0.0   exit code 0
//   deferred  451 4.3.0   75, 71, 73, 74 and codes that sysexits.h does not have; died by a signal; message unreadable
//             451 4.3.2   shutting down, too many that wait
//             451 4.3.5   can't be started, or not as that user (event=pipe_not_started tells the operator why)
//             451 4.4.7   ended at its time limit
//   failed    550 5.1.1   67; 550 5.1.2: 68; 554 5.6.0: 65; 554 5.5.0: 76; 554 5.7.0: 77; 554 5.3.5: 78;
//             554 5.3.0   64, 66, 69, 70, 72
//             550 5.1.3   an argument would begin with a hyphen of the recipient's address, 5.1.7 the sender's
class PipeCourier final : public queue::Courier {
 public:
  static constexpr std::size_t kPrograms = 20;
  static constexpr std::size_t kWaiting = 2000;  // jobs

  using ConfigGetter = std::function<std::shared_ptr<const config::Config>()>;
  explicit PipeCourier(ConfigGetter config);
  // Ends what runs, as at a time limit; what waits is deferred.
  ~PipeCourier() override;

  // The site "pipe:/path/of/a/program", known at once.
  queue::CourierKind kind() const override { return queue::CourierKind::program; }
  void locate(const queue::Destination& destination,
              std::move_only_function<void(queue::Located)> done) override;
  std::size_t recipients_per_job() const override { return 1; }
  // Requires a route via pipe and one recipient.
  void deliver(queue::Job job, std::move_only_function<void(queue::Report)> done) override;

 private:
  struct Order;
  void carry_out(Order& order);

  const ConfigGetter config_;
  std::atomic<bool> stopping_ = false;
  Handle stop_;  // an eventfd: readable when it is time to stop
  sys::Pool pool_;
};

// What an exit code means.
mail::Outcome outcome_of_exit(int code, const std::string& said);

// The arguments with everything filled in. The error: an argument that would be an option.
std::expected<std::vector<std::string>, mail::Reply> fill_arguments(const std::vector<std::string>& arguments,
                                                                    const queue::Job& job,
                                                                    const mail::Recipient& recipient);

}  // namespace postrider::deliver
