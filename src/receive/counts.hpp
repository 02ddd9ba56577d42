// What the receiving side counts. docs/metrics.md
#pragma once

#include <string_view>

#include "config/config.hpp"
#include "mail/reply.hpp"
#include "net/tls_counts.hpp"
#include "sys/metrics.hpp"

namespace postrider::receive::counts {

// By the listener's mode.
extern sys::Counters connections;
extern sys::Gauges open_connections;
extern sys::Counters messages, message_bytes, recipients;
void accepted(config::ListenerMode mode, std::uint64_t octets, std::size_t its_recipients);

// By Admission::Answer, minus one: who is admitted is not counted.
extern sys::Counters connections_refused;
// By kind and reason: see refused().
extern sys::Counters refusals;

extern net::TlsCounts tls;

// By mechanism and outcome.
enum class LoginEnd : std::uint8_t { ok, failed, locked, unchecked };
extern sys::Counters logins;

// By method and result, as Authentication-Results has them. Requires names of RFC 8601 2.7.1 to 2.7.3.
void authenticated(std::string_view method, std::string_view result);
// By what was done with a message that was checked: wire::dmarc::Policy.
extern sys::Counters dmarc_done;

// A reply that is no good word; others are not counted.
void refused(const mail::Reply& said);

}  // namespace postrider::receive::counts
