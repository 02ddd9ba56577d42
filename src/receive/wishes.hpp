// What a sender asks of MAIL's extensions FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852) and MT-PRIORITY (RFC 6710),
// turned into times and judged. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "mail/reply.hpp"
#include "wire/smtp/command.hpp"

namespace postrider::receive {

struct Wishes {
  std::optional<base::UtcTime> hold_until;
  std::optional<base::UtcTime> deliver_by;
  bool notify = false;        // DELIVERBY's mode N
  bool trace = false;         // its T
  bool late_already = false;  // its time was over when it came: who sent it has told of that
  std::int8_t priority = 0;   // what it gets
  std::int8_t requested = 0;  // what was asked for
  bool lowered() const { return priority < requested; }
};

// `now` is when MAIL came: the times of both extensions count from it. `trusted`: the client may relay; others get no
// priority above 0. The refusal:
//   501 5.5.4  held for longer than extensions.max_hold, until a time that is past, or until it should be delivered
//   555 5.5.4  to be returned sooner than extensions.min_deliver_by
std::expected<Wishes, mail::Reply> judge_wishes(const wire::smtp::Mail& command,
                                                const config::Extensions& extensions, base::UtcTime now,
                                                bool trusted);

// Of a message that is to be accepted now, whose recipients are in the envelope.
void apply(const Wishes& wishes, mail::Envelope& envelope);

// One line for each, for the timeline.
std::vector<std::string> told(const Wishes& wishes);

// "0 is the new priority, ...": what a reply says behind its code where it was lowered, which is X.3.6. RFC 6710
std::string lowered_text(const Wishes& wishes);

// The lines of EHLO's reply, each with its line end.
std::string announce(const config::Offers& offers, const config::Extensions& extensions, base::UtcTime now);

}  // namespace postrider::receive
