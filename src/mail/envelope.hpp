// The envelope: all that a message carries beside its bytes. Kept in the spool as a versioned record
// (store/envelope_record); what a later protocol feature needs has its place here from the first day.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "mail/address.hpp"
#include "mail/outcome.hpp"
#include "mail/path.hpp"

namespace postrider::mail {

enum class BodyType : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };  // RFC 6152 2, RFC 3030 3
enum class DsnReturn : std::uint8_t { unspecified, full, headers };             // RFC 3461 4.3

// RFC 3461 4.1. `unspecified` means "failure, and delay where the server wishes".
struct Notify {
  bool specified = false;
  bool success = false;
  bool failure = false;
  bool delay = false;
  // NOTIFY=NEVER is specified with nothing set.
  bool never() const { return specified && !success && !failure && !delay; }
  bool operator==(const Notify&) const = default;
};

// RFC 3461 4.2: "rfc822;bob@example.com", the address decoded from xtext (or as RFC 6533 3 for utf-8).
struct OriginalRecipient {
  std::string type;
  std::string address;
  bool operator==(const OriginalRecipient&) const = default;
};

// Where the message came from, as the border saw it. Empty address: we wrote it ourselves.
struct Origin {
  std::optional<base::IpAddress> client;
  std::uint16_t client_port = 0;
  std::string helo;         // what HELO, EHLO or LHLO said; a domain or an address literal
  std::string client_name;  // the verified reverse name, or what XCLIENT said; empty: unknown
  std::string listener;     // "127.0.0.1:25"
  std::string protocol;     // "ESMTP", "SMTP", "UTF8SMTP", "LMTP", ...; RFC 3848, RFC 6531 4.3
  std::string identity;     // authenticated user, empty: none
  std::string tls;          // protocol and cipher, empty: none
  // A program of this user of this machine brought it; `identity` is the user's name.
  std::optional<std::uint32_t> uid{};
  bool operator==(const Origin&) const = default;
};

// What is decided of one recipient. docs/queue-states.md has the table.
enum class RecipientState : std::uint8_t {
  waiting = 1,  // due at `due`, or being delivered under a lease
  held = 2,     // waits for an operator (or `hold_until`)
  untold = 3,   // has its end, which `last` says; kept until the sender has been told
};

struct Recipient {
  Address original;              // what RCPT TO said
  std::optional<Address> alias;  // the alias of ours that it came by, where it did
  Address final;                 // where it goes: the path, never the route
  std::optional<OriginalRecipient> orcpt;
  Notify notify;
  // As whose it goes there, where that is not the envelope's reverse-path: rewritten, since an alias of ours sends it on.
  // Who is told what becomes of it is still the sender.
  std::optional<Address> reverse_path{};
  RecipientState state = RecipientState::waiting;
  std::uint32_t attempts = 0;
  bool warned = false;          // the sender has been told that it takes long
  base::UtcTime due{};          // next attempt not before
  std::optional<Outcome> last;  // of the last attempt
  bool operator==(const Recipient&) const = default;
};

struct Envelope {
  ReversePath reverse_path;
  std::string envid;  // RFC 3461 4.4, decoded; empty: none; 100 octets at most
  DsnReturn ret = DsnReturn::unspecified;
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;                    // RFC 6531 3.4
  bool require_tls = false;                 // REQUIRETLS, RFC 8689
  std::optional<base::UtcTime> hold_until;  // RFC 4865
  std::optional<base::UtcTime> deliver_by;  // RFC 2852
  bool deliver_by_notify = false;           // by-mode N: tell, don't return
  bool deliver_by_trace = false;            // by-trace T: tell of each server that it is passed on to
  std::int8_t priority = 0;                 // RFC 6710: -9 to 9
  bool junk = false;                        // into the folder for junk of mailboxes here (DMARC's quarantine)
  Origin origin;
  base::UtcTime received{};           // the end of the data
  std::uint64_t size = 0;             // octets of the message as received, before edits
  std::vector<Recipient> recipients;  // its index is the recipient's name within the message
  // What MAIL says for it. RFC 5321 4.1.1.2
  ReversePath reverse_path_for(const Recipient& recipient) const {
    return recipient.reverse_path ? ReversePath(*recipient.reverse_path) : reverse_path;
  }
  bool operator==(const Envelope&) const = default;
};

}  // namespace postrider::mail
