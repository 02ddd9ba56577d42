// The header section of a message that a local program hands in: whom it names, and what it may not show. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/address.hpp"
#include "mail/path.hpp"
#include "wire/submit/crlf_text.hpp"

namespace postrider::wire::submit {

// Addresses that one message may have, by its header and its command line together.
inline constexpr std::size_t kMaxRecipients = 10000;

struct Scanned {
  // Of To, Cc and Bcc; where there are Resent- fields, of those of the newest set alone (RFC 5322 3.6.6). Without
  // comments and white space, but else as written: "root", "bob@example.com", or what is no address at all.
  std::vector<std::string> recipients;
  bool too_many = false;  // more than kMaxRecipients; the others are not told
  bool resent = false;    // the message is sent on by somebody
  // All fields but Bcc, Resent-Bcc, Return-Path (which only the last server may write: RFC 5321 4.4) and Content-Length;
  // each ends with CRLF. A mailbox file's "From " line before them is dropped.
  std::string header;
  std::string_view body;  // of the text that was scanned; without the blank line before it
};
// `text` outlives what it gives. A line that is neither a field nor the fold of one begins the body.
Scanned scan(const CrlfText& text);

// The addresses of a word of the command line, in the same form: one, or a list.
std::vector<std::string> read_recipients(std::string_view word);

// An address as said; without "@", of `host`. Failure: permanent 5.1.3, "...: no address".
base::Result<mail::Address> qualified(std::string_view said, const mail::Domain& host);

// What is not in the message itself.
struct Facts {
  mail::Domain host;         // what is behind the @ where nobody said it
  mail::ReversePath sender;  // null: `login` is the author
  std::string login;         // of who called
  std::string full_name;     // in UTF-8; not valid: left out
  base::UtcTime date;        // of the call
  std::string unique;        // for the Message-ID: letters, digits, dots
};
// Adds to addresses in From, Sender, Reply-To, To, Cc and their Resent- forms the host where they have none, and adds
// From, Date and Message-ID (and their Resent- forms, where `resent`) where they are missing. RFC 6409 8
std::string completed(std::string_view header, bool resent, const Facts& facts);

// The value of one address field with `host` where it is missing, the rest octet by octet as it was.
std::string qualify_field(std::string_view value, const mail::Domain& host);
// "Full Name <bob@example.com>", quoted or in encoded words where it has to be. RFC 5322 3.4, RFC 2047 5
std::string author(std::string_view full_name, const mail::Address& address);

}  // namespace postrider::wire::submit
