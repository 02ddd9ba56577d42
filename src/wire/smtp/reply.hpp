// Replies on the wire, both ways. RFC 5321 4.2
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/reply.hpp"

namespace postrider::wire::smtp {

// Appends "250-2.1.0 first\r\n250 2.1.0 last\r\n". Lines longer than 512 octets with CRLF (RFC
// 5321 4.5.3.1.5) are cut at a UTF-8 boundary; control characters and CR become "?" so that no text can forge
// a line.
void encode(const mail::Reply& reply, std::string& out);

// Reads replies of a server, line by line. Bounds: 512 octets... 2,048 a line are tolerated, 100 lines a
// reply.
class ReplyParser {
 public:
  // `line` without CRLF. True when the reply is whole (then take()). On a malformed line bad() is true for
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
