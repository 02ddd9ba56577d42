// Where each recipient goes, asked anew at each attempt: `[[route]]`, then our mailboxes, then the MX.
#pragma once

#include <optional>
#include <vector>

#include "app/settings.hpp"
#include "deliver/mailbox.hpp"
#include "queue/queue.hpp"

namespace postrider::app {

// The Maildir of a recipient: its account's by [delivery] mailbox, or the path of a maildir route. Nothing where the
// address is nobody's here, or can't be a path. Any thread.
std::optional<deliver::MailboxTarget> mailbox_target(const receive::Setting& setting,
                                                     const mail::Address& recipient);

// What carries mail away from here. All outlive the router.
struct Couriers {
  queue::Courier& maildir;
  queue::Courier& smtp;  // and LMTP
  queue::Courier& pipe;
  queue::Courier* reports = nullptr;  // mail for [dmarc] report_address; null: goes into its mailbox
};

class Router final : public queue::Router {
 public:
  Router(const Settings& settings, Couriers couriers, sys::Clock& clock)
      : settings_(settings), couriers_(couriers), clock_(clock) {}
  Choice choose(const mail::Envelope& envelope, const mail::Recipient& recipient) override;
  bool holds(const mail::Recipient& recipient) const override;
  std::vector<mail::Recipient> recipients(const mail::Address& address) const override;

 private:
  Choice by_route(std::shared_ptr<const config::Route> route, const mail::Recipient& recipient);
  queue::Courier& mailboxes(const mail::Recipient& recipient) const;
  Choice instead(mail::Action action, mail::Reply reply, std::string relay) const;

  const Settings& settings_;
  const Couriers couriers_;
  sys::Clock& clock_;
};

}  // namespace postrider::app
