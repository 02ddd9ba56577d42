// What reports of both kinds need to become mail.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/id.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "reports/destinations.hpp"
#include "reports/report_store.hpp"
#include "sys/clock.hpp"
#include "sys/resolver.hpp"
#include "wire/dmarc_report/report_mail.hpp"

namespace postrider::reports {

// Makes it mail: its id, after the sync. Blocks. `decision` is for the timeline.
using AcceptMail = std::function<base::Result<base::MessageId>(
    mail::Envelope envelope, std::function<std::string(base::MessageId)> text, std::string decision)>;

// What it takes to send reports. What is referred to outlives the sender.
struct SenderParts {
  std::unique_ptr<ReportStore> store;
  sys::Resolver& resolver;
  sys::Clock& clock;
  std::function<std::shared_ptr<const config::Config>()> config;
  AcceptMail accept;
};

// Asks the DNS; blocks for `patience` at most. What has no answer then is `trouble`.
Destinations find_destinations(DestinationCheck check, sys::Resolver& resolver, const sys::Clock& clock,
                               base::Milliseconds patience);

// Nobody is to hear of a report that can't be delivered.
mail::Envelope report_envelope(mail::ReversePath from, const mail::Address& to);

// Who reports. Requires dmarc_reports.contact.
std::string organization_of(const config::Config& config);
wire::dmarc_report::Letter letter_to(const mail::Address& to, const config::Config& config,
                                     base::MessageId id, base::UtcTime now);

// "a; b"
std::string joined(const std::vector<std::string>& lines);

}  // namespace postrider::reports
