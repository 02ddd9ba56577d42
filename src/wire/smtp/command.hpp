// SMTP commands as a client writes them, parsed once into types.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "mail/envelope.hpp"
#include "mail/path.hpp"
#include "mail/reply.hpp"

namespace postrider::wire::smtp {

// Octets of a command line with its CRLF. RFC 5321 4.5.3.1.4 asks for 512 and each extension for some more;
// MAIL and RCPT with every extension that we announce need about 2,400.
inline constexpr std::size_t kMaxCommandLine = 2560;
// The same of AUTH, and of each line in its exchange. RFC 4954 4
inline constexpr std::size_t kMaxAuthLine = 12288;

// The first word after the verb: 1 to 255 printable ASCII octets without space. A domain or an address
// literal is asked for, but real clients say other things, so anything is taken; octets above 127 become "?".
// RFC 5321 4.1.1.1
struct Helo {
  std::string name;
};
struct Ehlo {
  std::string name;
};
// RFC 2033 4.1
struct Lhlo {
  std::string name;
};
// HOLDFOR or HOLDUNTIL: not to be sent before. RFC 4865 3
using Hold = std::variant<std::chrono::seconds, base::UtcTime>;
// BY=120;RT. RFC 2852 4
struct DeliverBy {
  std::chrono::seconds within{};  // from now on; more than 0 unless `notify`
  bool notify = false;            // N: its sender is told when that time is over; else R: it is returned then
  bool trace = false;             // T: its sender is told of each server that it is passed on to
  bool operator==(const DeliverBy&) const = default;
};
// RFC 5321 4.1.1.2
struct Mail {
  mail::ReversePath reverse_path;
  std::optional<std::uint64_t> size;  // RFC 1870 6
  mail::BodyType body = mail::BodyType::seven_bit;
  bool smtputf8 = false;  // RFC 6531 3.4
  mail::DsnReturn ret = mail::DsnReturn::unspecified;
  std::string envid;  // decoded from xtext, 100 octets at most
  // AUTH, who is said to have submitted it first: "<>" or an address, decoded from xtext. No client is trusted to say so: it is
  // read and goes no further. RFC 4954 5
  std::string submitter = {};
  std::optional<Hold> hold = {};
  std::optional<DeliverBy> by = {};
  std::optional<std::int8_t> priority = {};  // MT-PRIORITY, -9 to 9; RFC 6710 3
};
// RFC 5321 4.1.1.3
struct Rcpt {
  mail::ForwardPath forward_path;
  mail::Notify notify;
  std::optional<mail::OriginalRecipient> orcpt;
};
struct Data {};
// RFC 3030 2
struct Bdat {
  std::uint64_t size = 0;  // octets that follow the line
  bool last = false;
};
struct Rset {};
struct Noop {};
struct Quit {};
struct Help {
  std::string topic;
};
struct Vrfy {
  std::string what;
};
struct Expn {
  std::string what;
};
struct StartTls {};  // RFC 3207 4
// RFC 4954 4
struct Auth {
  std::string mechanism;               // upper case, 1 to 20 octets
  std::optional<std::string> initial;  // still base64; "=" stands for the empty response
};
// Postfix XCLIENT_README; decoded from xtext
struct Xclient {
  // Absent: not said. Empty: [UNAVAILABLE] or [TEMPUNAVAIL].
  std::optional<std::string> name, addr, port, proto, helo, login, destaddr, destport;
};

using Command = std::variant<Helo, Ehlo, Lhlo, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, Help, Vrfy, Expn,
                             StartTls, Auth, Xclient>;

// What the grammar may take. Extensions that were not announced are refused as parameters (555 5.5.4), and
// after HELO none is known. RFC 5321 4.1.1.11
struct CommandRules {
  bool extensions = true;  // EHLO or LHLO was said: MAIL and RCPT take parameters
  bool smtputf8 = true;  // MAIL may say SMTPUTF8; for RCPT: this transaction's MAIL said it, so that UTF-8 is
                         // allowed in the path (else 550 5.6.7, RFC 6531 3.5) and in ORCPT
  bool auth = false;     // AUTH was announced: MAIL may have its parameter
  // MAIL may say these.
  bool future_release = true;
  bool deliver_by = true;
  bool mt_priority = true;
};

// `line` is without its CRLF and has no CR, LF or NUL in it (the line splitter saw to that). A Reply is the
// refusal to send:
//   500 5.5.1         an unknown verb
//   554 5.5.2         more than 512 octets with CRLF (RFC 5321 4.5.3.1.4), and not MAIL, RCPT, AUTH or XCLIENT
//   500 5.5.2         no verb, "MAIL" without "FROM:", "RCPT" without "TO:", or nothing behind them
//   501 5.5.2         no path to be made out
//   501 5.1.7, 5.1.8  a bad mailbox, a bad domain of MAIL
//   501 5.1.3, 5.1.2  a bad mailbox, a bad domain of RCPT
//   501 5.5.4         a bad, missing, doubled or unexpected argument or parameter
//   502 5.7.0         is_http(line): close the connection after it
//   550 5.6.7         UTF-8 in the path without SMTPUTF8
//   555 5.5.4         a parameter that is not known or not announced
// Verbs and keywords in any case; white space around arguments is tolerated ("MAIL FROM: <a@b>" is common),
// so is a path without angle brackets. LHLO, STARTTLS, AUTH, XCLIENT and so on are always parsed: whether
// they are allowed here and now is the session's matter.
std::expected<Command, mail::Reply> parse_command(std::string_view line, const CommandRules& rules);

// A web client's first line ("GET / HTTP/1.1", "CONNECT host:25"): somebody lets a browser talk to us.
bool is_http(std::string_view line);

// "EHLO", upper case, for the log.
std::string_view verb_name(const Command& command);

}  // namespace postrider::wire::smtp
