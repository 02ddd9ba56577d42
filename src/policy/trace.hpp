// Trace header fields, RFC 5321 4.4.
#pragma once

#include <string>

#include "base/id.hpp"
#include "mail/envelope.hpp"

namespace postrider::policy {

// "Received: from HELO (NAME [ADDR])\r\n\tby HOSTNAME (Postrider) with ESMTP id ID\r\n\tfor
// <RCPT>;\r\n\tDATE\r\n". `for` only where there is one RCPT (RFC 5321 7.6, hidden copies); lines of at most
// 998 octets; a HELO name with octets that a field can't hold is written with "?".
std::string received_field(const mail::Envelope& envelope, base::MessageId id, const mail::Domain& hostname);
// "Return-Path: <alice@example.com>\r\n"
std::string return_path_field(const mail::ReversePath& reverse_path);
// "Delivered-To: bob@example.com\r\n"
std::string delivered_to_field(const mail::Address& recipient);

}  // namespace postrider::policy
