// Replies on the wire, both ways. RFC 5321 4.2
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/reply.hpp"

namespace postrider::wire::smtp {

// Appends "250-2.1.0 first\r\n250 2.1.0 last\r\n". What makes a line longer than 512 octets with CRLF is cut
// off (RFC 5321 4.5.3.1.5), at a UTF-8 boundary; control characters and octets that are not UTF-8 become "?",
// so that no text can forge a line.
void encode(const mail::Reply& reply, std::string& out);

// Reads replies of a server, line by line. Bounds: 2,048 octets a line (RFC 5321 4.5.3.1.5 has 512) and 100
// lines a reply. All lines must have one code. The enhanced code is taken from the first line, where its class is
// the reply's, and taken off every line that repeats it; control characters in the text become "?".
class ReplyParser {
 public:
  // `line` without CRLF. True when the reply is whole (then take()). After a malformed line bad() is true for
  // ever.
  bool feed(std::string_view line);
  bool bad() const { return bad_; }
  // Requires that feed() returned true. Leaves the parser ready for the next reply.
  mail::Reply take();

 private:
  mail::Reply reply_;
  int lines_ = 0;
  bool bad_ = false;
};

}  // namespace postrider::wire::smtp
