// Who is told what: which ends and delays of a recipient its sender hears of. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "mail/envelope.hpp"
#include "mail/outcome.hpp"

namespace postrider::queue {

// What a notification is about. Recipients of one message that have the same are told of together.
enum class Notice : std::uint8_t { failure, success, delay };
std::string_view to_string(Notice notice);

// Never where the reverse-path is null, or NOTIFY=NEVER was given. RFC 3461 4.1, RFC 5321 6.1

// Failure: where NOTIFY has FAILURE, or was not given. RFC 3461 5.2.6
bool wants_failure_notice(const mail::Envelope& envelope, const mail::Recipient& recipient);
// Delivered, relayed or expanded, where NOTIFY has SUCCESS (RFC 3461 5.2.3). Not of what was relayed to a server
// that took NOTIFY with it: telling is that one's part (RFC 3461 5.2.2). And of what was relayed where its sender wants a
// trace (DELIVERBY with T, RFC 2852 4.1.4), or wants to hear when it is late (N) and the next server knows nothing of
// that (RFC 2852 4.1.4.2).
bool wants_success_notice(const mail::Envelope& envelope, const mail::Recipient& recipient,
                          const mail::Outcome& outcome);
// Where NOTIFY has DELAY, or was not given (RFC 3461 5.2.5), or DELIVERBY has N; once.
bool wants_delay_notice(const mail::Envelope& envelope, const mail::Recipient& recipient);

// An end of any kind: whether the recipient becomes `untold` and stays, or goes at once. Not of what was discarded,
// and of what is no end.
bool wants_notice(const mail::Envelope& envelope, const mail::Recipient& recipient,
                  const mail::Outcome& outcome);

// It has its end, and is held so that its sender is not told of it yet (restore --hold): let go it becomes `untold`.
bool is_held_end(const mail::Recipient& recipient);

}  // namespace postrider::queue
