// What a notification says, made of what the queue knows of a message. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "queue/notice.hpp"
#include "wire/dsn/report.hpp"

namespace postrider::queue {

// Recipients of one message of whom its sender is told together.
struct Notification {
  Notice notice = Notice::failure;
  base::MessageId about;
  const mail::Envelope& envelope;         // its reverse-path is not null
  std::vector<std::uint32_t> recipients;  // indexes; each has its last outcome
  base::UtcTime retried_until{};          // of a delay
};

// How much of the original comes back: all of it of a failure, unless RET=HDRS. RFC 3461 4.3, RFC 3461 6.2
wire::dsn::OriginalReader::Wanted wanted(const Notification& notification);

// The message that tells it, without what depends on the original. `id` is its own, `hostname` in A-labels.
wire::dsn::Report report_of(const Notification& notification, base::MessageId id, const std::string& hostname,
                            base::UtcTime now);

// Its envelope, without recipients, size and body type. RFC 3461 6.1
mail::Envelope envelope_of(const Notification& notification, base::UtcTime now);

// One recipient of it: nobody is told what becomes of a notification. RFC 3461 6.1
mail::Recipient notice_recipient(const mail::Address& sender);

// "mx.example.com" of Outcome::relay "mx.example.com[192.0.2.1]:25", "[192.0.2.1]" where it has no name; empty where it is
// no other server.
std::string remote_name(std::string_view relay);

}  // namespace postrider::queue
