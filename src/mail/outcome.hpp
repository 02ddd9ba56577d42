// What became of one recipient in one attempt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "mail/reply.hpp"

namespace postrider::mail {

enum class Action : std::uint8_t {
  delivered = 1,  // in a mailbox here, durably
  relayed = 2,    // the next server took it
  expanded = 3,   // became other recipients
  deferred = 4,   // not now
  failed = 5,     // not ever
  discarded = 6,  // by a named rule
};
std::string_view to_string(Action action);

struct Outcome {
  Action action = Action::deferred;
  Reply reply;         // the other side's words, or ours: code, enhanced code, text
  std::string relay;   // who took or refused it: "maildir", "mx.example.com[192.0.2.1]:25"
  std::string detail;  // where it lies now, or what the log should add; not for the sender
  base::UtcTime at{};
  // Of `relayed`: the next server took NOTIFY, ORCPT, ENVID and RET with it, and tells the sender of what comes
  // then (RFC 3461 5.2.1). False: it knows no DSN, or is none that could tell.
  bool dsn_passed_on = false;
  // Of `relayed`: the next server took the time by which it is to be delivered (RFC 2852), and keeps it.
  bool deliver_by_passed_on = false;
  // The reply is what the server at `relay` said, and not our words for what happened on the way.
  bool said_by_relay = false;
  bool operator==(const Outcome&) const = default;
};

}  // namespace postrider::mail
