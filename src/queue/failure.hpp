// What then: the one place that decides what becomes of a recipient after an attempt. Pure functions.
#pragma once

#include "base/time.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"

namespace postrider::queue {

// What is done with the recipient now.
enum class Next : std::uint8_t {
  remove,  // it has its end: the spool forgets it
  retry,   // waits until `due`
  untold,  // it has its end, and stays in the spool until the sender has been told
};

// What waits for a time that its sender asked for, or for a sender that is suspended, is looked at again after this at the
// latest, so that no due time lies further ahead than a retry's.
inline constexpr base::Milliseconds kPostponed = std::chrono::hours(1);

struct Decision {
  Next next = Next::retry;
  mail::Outcome outcome;     // the courier's, or "delivery time expired" in its place
  base::UtcTime due{};       // where next is retry
  bool told_nobody = false;  // failed, and there is nobody who wants to know
};

// One attempt at one recipient, as it ended.
struct Attempt {
  const mail::Envelope& envelope;
  const mail::Recipient& recipient;  // as it was before the attempt: `attempts` does not count this one
  base::UtcTime now{};
  // The wall clock was changed by more than an hour while the attempt ran: its time proves nothing, so nothing
  // expires on it.
  bool clock_jumped = false;
  double random = 0.5;  // 0 to 1
};

// It is not to be sent yet, for its sender asked for a later time (FUTURERELEASE). What a clock received that was ahead of
// this one is not held: who knows until when. RFC 4865
bool is_held_until(const mail::Envelope& envelope, base::UtcTime now);
// When it is looked at for the first time.
base::UtcTime first_due(const mail::Envelope& envelope, base::UtcTime now);
// When its time on the way begins: when it was received, or what it was held until. RFC 4865
base::UtcTime released(const mail::Envelope& envelope);
// Then it has been tried long enough.
base::UtcTime expires_at(const mail::Envelope& envelope, const config::Queue& settings);

// It is to come back now, for its sender wants it delivered in time or not at all (DELIVERBY with R). RFC 2852
bool is_too_late(const mail::Envelope& envelope, base::UtcTime now);
// As what: failed, 5.4.7, with what it met last. Requires a time to deliver by.
mail::Outcome too_late(const mail::Envelope& envelope, const std::optional<mail::Outcome>& last,
                       base::UtcTime now);

// Requires outcome.at to be set. A deferred recipient is tried again until [queue] expire has passed since
// the message was released, or it is too late; the last attempt is made when that time comes, and only after an attempt does
// anything expire (4.4.7, RFC 3463 3.5).
Decision decide(const Attempt& attempt, mail::Outcome outcome, const config::Queue& settings);

// What is said of a recipient whose route says hold.
mail::Outcome held_by_route(base::UtcTime now);

// How long to wait after attempt number `attempts` (1 is the first): first * factor^(attempts-1), at most
// `max`, give or take a tenth by `random` (0 to 1), so that what failed together does not come back together.
// RFC 5321 4.5.4.1
base::Milliseconds back_off(const config::Retry& retry, std::uint32_t attempts, double random);

// From then on senders who want to hear of it are told that it takes long: [queue] warn_after has passed since it was
// released (RFC 3461 5.2.5); or the time is over by which its sender wants to hear of it (DELIVERBY with N, RFC 2852).
base::UtcTime late_from(const mail::Envelope& envelope, const config::Queue& settings);

// Nobody is told of a failure: the null sender (RFC 5321 6.1), NOTIFY=NEVER, or a NOTIFY without FAILURE
// (RFC 3461 4.1).
bool nobody_to_tell(const mail::Envelope& envelope, const mail::Recipient& recipient);

}  // namespace postrider::queue
