// SMTP commands as a client writes them, parsed once into types.
#pragma once

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
// MAIL and RCPT with every extension that we announce need about 1,800.
inline constexpr std::size_t kMaxCommandLine = 2048;

struct Helo {
  std::string name;
};  // RFC 5321 4.1.1.1
struct Ehlo {
  std::string name;
};
struct Lhlo {
  std::string name;
};             // RFC 2033 4.1
struct Mail {  // RFC 5321 4.1.1.2
  mail::ReversePath reverse_path;
  std::optional<std::uint64_t> size;  // RFC 1870 6
  mail::BodyType body = mail::BodyType::seven_bit;
  bool smtputf8 = false;  // RFC 6531 3.4
  mail::DsnReturn ret = mail::DsnReturn::unspecified;
  std::string envid;  // decoded from xtext, 100 octets at most
};
struct Rcpt {  // RFC 5321 4.1.1.3
  mail::ForwardPath forward_path;
  mail::Notify notify;
  std::optional<mail::OriginalRecipient> orcpt;
};
struct Data {};
struct Bdat {
  std::uint64_t size = 0;
  bool last = false;
};  // RFC 3030 2
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
struct Auth {
  std::string mechanism;
  std::optional<std::string> initial;
};                // RFC 4954 4, initial still base64
struct Xclient {  // Postfix XCLIENT_README; decoded from xtext
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
                         // allowed in the path (else 553 5.6.7, RFC 6531 3.5) and in ORCPT
};

// `line` is without its CRLF and has no CR, LF or NUL in it (the line splitter saw to that). A Reply is the
// refusal to send: 500 5.5.2 (unknown), 501 5.5.2/5.5.4/5.1.3/5.1.7, 553 5.6.7, 555 5.5.4, 501 5.5.4 and so
// on. Leading white space of arguments and trailing white space are tolerated ("MAIL FROM: <a@b>" is common).
std::expected<Command, mail::Reply> parse_command(std::string_view line, const CommandRules& rules);

// "EHLO", upper case, for the log.
std::string_view verb_name(const Command& command);

}  // namespace postrider::wire::smtp
