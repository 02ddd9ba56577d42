#include "queue/failure.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "queue/notice.hpp"
#include "queue/outcome_log.hpp"

namespace postrider::queue {
namespace {

mail::Outcome expired(mail::Outcome last) {
  last.action = mail::Action::failed;
  std::string text = "delivery time expired";
  if (!last.reply.text.empty()) text += "; last: " + reply_text(last.reply);
  if (last.said_by_relay) text += " (said by " + last.relay + ')';
  last.reply = mail::reply(451, 4, 7, std::move(text));  // RFC 3463 3.5; nobody has refused it for good
  last.said_by_relay = false;
  return last;
}

// The end of it, of whatever kind.
Decision end(const Attempt& attempt, mail::Outcome outcome) {
  const bool told = wants_notice(attempt.envelope, attempt.recipient, outcome);
  const bool failed = outcome.action == mail::Action::failed;
  return {.next = told ? Next::untold : Next::remove,
          .outcome = std::move(outcome),
          .told_nobody = failed && !told};
}

Decision defer(const Attempt& attempt, mail::Outcome outcome, const config::Queue& settings) {
  const base::UtcTime expires = attempt.envelope.received + settings.expire;
  if (attempt.now >= expires && !attempt.clock_jumped) return end(attempt, expired(std::move(outcome)));
  base::UtcTime due = attempt.now + back_off(settings.retry, attempt.recipient.attempts + 1, attempt.random);
  if (attempt.now < expires) due = std::min(due, expires);
  return {.next = Next::retry, .outcome = std::move(outcome), .due = due};
}

}  // namespace

Decision decide(const Attempt& attempt, mail::Outcome outcome, const config::Queue& settings) {
  if (outcome.action == mail::Action::deferred) return defer(attempt, std::move(outcome), settings);
  return end(attempt, std::move(outcome));
}

base::UtcTime late_from(const mail::Envelope& envelope, const config::Queue& settings) {
  return std::max(envelope.received, envelope.hold_until.value_or(envelope.received)) + settings.warn_after;
}

// RFC 3463 3.8
mail::Outcome held_by_route(base::UtcTime now) {
  return {.reply = mail::reply(451, 7, 0, "held for an operator"), .relay = {}, .detail = {}, .at = now};
}

base::Milliseconds back_off(const config::Retry& retry, std::uint32_t attempts, double random) {
  const double exponent = attempts > 0 ? static_cast<double>(attempts - 1) : 0.0;
  const double grown = static_cast<double>(retry.first.count()) * std::pow(retry.factor, exponent);
  const double bounded = std::min(grown, static_cast<double>(retry.max.count()));
  const double jitter = 0.9 + 0.2 * std::clamp(random, 0.0, 1.0);
  return base::Milliseconds(std::llround(bounded * jitter));
}

bool nobody_to_tell(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  return !wants_failure_notice(envelope, recipient);
}

}  // namespace postrider::queue
