// An SMTP reply: a code, an enhanced status code, and words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/enhanced_code.hpp"
#include "base/result.hpp"

namespace postrider::mail {

using base::EnhancedCode;

// One reply of one or more lines. wire::smtp encodes and parses it.
struct Reply {
  std::uint16_t code = 0;                // 200 to 559; RFC 5321 4.2.1
  std::optional<EnhancedCode> enhanced;  // its class is the code's first digit; RFC 2034 4
  std::string text;                      // lines parted by '\n'; no CR, no other control character

  bool positive() const { return code >= 200 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }

  bool operator==(const Reply&) const = default;
};

// `reply(550, 1, 1, "no such user")` is 550 5.1.1: the class comes from the code.
Reply reply(std::uint16_t code, std::uint16_t subject, std::uint16_t detail, std::string text);
// Without an enhanced code: greeting, HELO and EHLO, 354. RFC 2034 4
Reply plain_reply(std::uint16_t code, std::string text);
// 4yz or 5yz as the failure says. `code` is what a permanent one gets; the temporary one is 451.
Reply reply_for(const base::Failure& failure, std::uint16_t permanent_code);

}  // namespace postrider::mail
