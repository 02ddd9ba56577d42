// One line in the log for each recipient's outcome, written after the spool has it.
#pragma once

#include <string>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"

namespace postrider::queue {

struct OutcomeLine {
  base::MessageId id;
  const mail::Envelope& envelope;
  const mail::Recipient& recipient;
  const mail::Outcome& outcome;  // `at` is set
  bool held = false;             // waits for an operator: the event is "held"
  bool told_nobody = false;      // failed, and nobody wants to know
  base::UtcTime next{};          // deferred: the next attempt
};

// event=delivered|relayed|expanded|deferred|failed|discarded|held, with id, from, to, relay, delay (seconds
// since the message was received, three decimals), dsn (the enhanced code), reply; where they apply also
// orig_to (what RCPT TO said), next (deferred), told=nobody (failed) and detail.
void log_outcome(const OutcomeLine& line);

// "250 2.0.0 delivered", as a person reads it.
std::string reply_text(const mail::Reply& reply);

// "12.345"; "0.000" where the clock was turned back.
std::string seconds(base::Milliseconds time);

}  // namespace postrider::queue
