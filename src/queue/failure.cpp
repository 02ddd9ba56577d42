#include "queue/failure.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace postrider::queue {
namespace {

mail::Outcome expired(mail::Outcome last) {
  last.action = mail::Action::failed;
  std::string text = "delivery time expired";
  if (!last.reply.text.empty()) text += "; last: " + last.reply.text;
  last.reply = mail::reply(451, 4, 7, std::move(text));  // RFC 3463 3.5; nobody has refused it for good
  return last;
}

Decision fail(const Attempt& attempt, mail::Outcome outcome) {
  const bool nobody = nobody_to_tell(attempt.envelope, attempt.recipient);
  return {nobody ? Next::remove : Next::keep, std::move(outcome), {}, nobody};
}

Decision defer(const Attempt& attempt, mail::Outcome outcome, const config::Queue& settings) {
  const base::UtcTime end = attempt.envelope.received + settings.expire;
  if (attempt.now >= end && !attempt.clock_jumped) return fail(attempt, expired(std::move(outcome)));
  base::UtcTime due = attempt.now + back_off(settings.retry, attempt.recipient.attempts + 1, attempt.random);
  if (attempt.now < end) due = std::min(due, end);
  return {Next::retry, std::move(outcome), due, false};
}

}  // namespace

Decision decide(const Attempt& attempt, mail::Outcome outcome, const config::Queue& settings) {
  switch (outcome.action) {
    case mail::Action::delivered:
    case mail::Action::relayed:
    case mail::Action::expanded:
    case mail::Action::discarded:
      return {Next::remove, std::move(outcome), {}, false};
    case mail::Action::failed:
      return fail(attempt, std::move(outcome));
    case mail::Action::deferred:
      break;
  }
  return defer(attempt, std::move(outcome), settings);
}

base::Milliseconds back_off(const config::Retry& retry, std::uint32_t attempts, double random) {
  const double exponent = attempts > 0 ? static_cast<double>(attempts - 1) : 0.0;
  const double grown = static_cast<double>(retry.first.count()) * std::pow(retry.factor, exponent);
  const double bounded = std::min(grown, static_cast<double>(retry.max.count()));
  const double jitter = 0.9 + 0.2 * std::clamp(random, 0.0, 1.0);
  return base::Milliseconds(std::llround(bounded * jitter));
}

bool nobody_to_tell(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  return envelope.reverse_path.is_null() || (recipient.notify.specified && !recipient.notify.failure);
}

}  // namespace postrider::queue
