// MAIL and RCPT as a client writes them.
#pragma once

#include <string>

#include "wire/smtp/command.hpp"

namespace postrider::wire::smtp {

// Appends "MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x\r\n": a parameter for each member that
// says something, so that the caller leaves out what the server does not take. Paths are written as they came with
// SMTPUTF8, with A-labels without it; without it, local parts must be ASCII.
void encode(const Mail& command, std::string& out);

enum class PathForm : bool { ascii, utf8 };
// Appends "RCPT TO:<a@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@c.test\r\n". `form`: utf8 where this transaction's MAIL
// said SMTPUTF8.
void encode(const Rcpt& command, PathForm form, std::string& out);

}  // namespace postrider::wire::smtp
