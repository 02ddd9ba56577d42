// Trace header fields, RFC 5321 4.4.
#pragma once

#include <string>

#include "base/id.hpp"
#include "mail/envelope.hpp"

namespace postrider::policy {

enum class Client : bool { shown, hidden };

// "Received: from HELO (NAME [ADDR])\r\n\tby HOSTNAME (Postrider) with ESMTP id ID\r\n\tfor
// <RCPT>;\r\n\tDATE\r\n", folded where a line would be longer than 78 octets and a word allows it; no line is
// longer than 330. `from` is left out of mail that we wrote ourselves, where the client is hidden, and of a
// local program's, which has "(Postrider, from userid 1000)"; `for` where the recipients stem from more
// than one RCPT (hidden copies, RFC 5321 7.2). A HELO name with octets that a field can't hold is written with
// "?". UTF-8 stands in it only with SMTPUTF8. "PRIORITY 3" stands behind `for` where the priority is not 0 (RFC 6710).
std::string received_field(const mail::Envelope& envelope, base::MessageId id, const mail::Domain& hostname,
                           Client client = Client::shown);
// "Return-Path: <alice@example.com>\r\n"; "<>" for the null sender
std::string return_path_field(const mail::ReversePath& reverse_path);
// "Delivered-To: bob@example.com\r\n", the domain in A-labels; judge_content() finds it again
std::string delivered_to_field(const mail::Address& recipient);

}  // namespace postrider::policy
