// What a server says that it can, in its reply to EHLO or LHLO.
#pragma once

#include <cstdint>
#include <optional>

#include "mail/reply.hpp"

namespace postrider::wire::smtp {

struct Extensions {
  bool pipelining = false;            // RFC 2920
  bool chunking = false;              // RFC 3030
  bool binary_mime = false;           // RFC 3030
  bool eight_bit_mime = false;        // RFC 6152
  bool smtputf8 = false;              // RFC 6531
  bool dsn = false;                   // RFC 3461
  bool starttls = false;              // RFC 3207
  bool size = false;                  // MAIL takes SIZE=
  std::optional<std::uint64_t> most;  // octets of a message, by SIZE; absent: no limit, or none that is told
  bool deliver_by = false;            // RFC 2852
  std::uint64_t least_by = 0;         // seconds that BY= with mode R must have
  bool mt_priority = false;           // RFC 6710
  bool operator==(const Extensions&) const = default;
};

// Keywords in any case; what is not known, and parameters that make no sense, are passed over. The first line is the
// server's name, never a keyword. RFC 5321 4.1.1.1
Extensions read_extensions(const mail::Reply& hello);

}  // namespace postrider::wire::smtp
