// Where a message came from, read back from the trace fields that this server put on top of it. RFC 5321 4.4
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.hpp"
#include "mail/domain.hpp"
#include "mail/path.hpp"

namespace postrider::policy {

struct TraceOrigin {
  base::IpAddress client;
  std::string helo;
  std::optional<mail::ReversePath> reverse_path;  // of a Return-Path above; nothing: there is none
};

// `header`: all fields, without the blank line. Only the topmost Received field counts, and only where it is as
// received_field() writes it, by `hostname`, of a client that was not authenticated: what stands below may be anybody's
// invention. It proves nothing of a file that did not come from our own mailboxes. Pure; any thread.
std::optional<TraceOrigin> trace_origin(std::string_view header, const mail::Domain& hostname);

}  // namespace postrider::policy
