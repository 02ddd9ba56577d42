#include "queue/failure.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "queue/notice.hpp"
#include "queue/outcome_log.hpp"

namespace postrider::queue {
namespace {

std::string words_of(const mail::Outcome& last) {
  if (last.reply.text.empty()) return {};
  std::string text = "; last: " + reply_text(last.reply);
  if (last.said_by_relay) text += " (said by " + last.relay + ')';
  return text;
}

mail::Outcome expired(mail::Outcome last) {
  last.action = mail::Action::failed;
  last.reply = mail::reply(
      451, 4, 7, "delivery time expired" + words_of(last));  // RFC 3463 3.5; nobody has refused it for good
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
  const mail::Envelope& envelope = attempt.envelope;
  if (is_too_late(envelope, attempt.now) && !attempt.clock_jumped)
    return end(attempt, too_late(envelope, outcome, attempt.now));
  const base::UtcTime expires = expires_at(envelope, settings);
  if (attempt.now >= expires && !attempt.clock_jumped) return end(attempt, expired(std::move(outcome)));
  base::UtcTime due = attempt.now + back_off(settings.retry, attempt.recipient.attempts + 1, attempt.random);
  if (attempt.now < expires) due = std::min(due, expires);
  if (envelope.deliver_by && !envelope.deliver_by_notify && attempt.now < *envelope.deliver_by)
    due = std::min(due, *envelope.deliver_by);
  return {.next = Next::retry, .outcome = std::move(outcome), .due = due};
}

}  // namespace

Decision decide(const Attempt& attempt, mail::Outcome outcome, const config::Queue& settings) {
  if (outcome.action == mail::Action::deferred) return defer(attempt, std::move(outcome), settings);
  return end(attempt, std::move(outcome));
}

bool is_held_until(const mail::Envelope& envelope, base::UtcTime now) {
  constexpr base::Milliseconds kAhead = std::chrono::hours(1);
  return envelope.hold_until && now < *envelope.hold_until && envelope.received <= now + kAhead;
}

base::UtcTime first_due(const mail::Envelope& envelope, base::UtcTime now) {
  return is_held_until(envelope, now) ? std::min(*envelope.hold_until, now + kPostponed) : now;
}

base::UtcTime released(const mail::Envelope& envelope) {
  return std::max(envelope.received, envelope.hold_until.value_or(envelope.received));
}

base::UtcTime expires_at(const mail::Envelope& envelope, const config::Queue& settings) {
  return released(envelope) + settings.expire;
}

bool is_too_late(const mail::Envelope& envelope, base::UtcTime now) {
  return envelope.deliver_by && !envelope.deliver_by_notify && now >= *envelope.deliver_by;
}

mail::Outcome too_late(const mail::Envelope& envelope, const std::optional<mail::Outcome>& last,
                       base::UtcTime now) {
  mail::Outcome outcome = last.value_or(mail::Outcome{});
  outcome.action = mail::Action::failed;
  outcome.at = now;
  // RFC 3463 3.5
  outcome.reply = mail::reply(554, 4, 7,
                              "not delivered by " + base::to_rfc5322(*envelope.deliver_by) +
                                  ", as its sender wanted" + words_of(outcome));
  outcome.said_by_relay = false;
  return outcome;
}

base::UtcTime late_from(const mail::Envelope& envelope, const config::Queue& settings) {
  if (envelope.deliver_by && envelope.deliver_by_notify) return *envelope.deliver_by;
  return released(envelope) + settings.warn_after;
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
