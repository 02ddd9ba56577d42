// A whole delivery status notification: a multipart/report (RFC 6522 3) of words for the sender, a delivery status for
// machines (delivery_status.hpp), and what comes back of the original. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "wire/dsn/delivery_status.hpp"
#include "wire/dsn/original.hpp"

namespace postrider::wire::dsn {

enum class Kind : std::uint8_t { failure, delay, success };

// What a person hears of one recipient beside its Recipient. UTF-8; cleaned when it is written.
struct Words {
  std::string name;    // the address as the sender knows it
  std::string server;  // whose words these are; empty: this server's own
  std::string said;    // "550 5.1.1 no such user"; lines parted by '\n'; may be empty
};

struct Report {
  Kind kind = Kind::failure;
  std::string hostname;  // A-labels
  std::string sender;    // who gets it, as SMTP writes an address; where it is not ASCII, so is the header
  std::string id;        // of this message: letters and digits
  base::UtcTime date{};
  bool smtputf8 = false;  // the original came with SMTPUTF8: the forms of RFC 6533 may be used
  DeliveryStatus status;
  std::vector<Words> words;  // by place in status.recipients
  Original original;
};

struct Written {
  std::string text;        // CRLF line ends, none longer than 998 octets; no bare CR or LF
  bool eight_bit = false;  // BODY=8BITMIME
};

Written write_report(const Report& report);

// The part for people, with LF line ends.
std::string explain(const Report& report);

}  // namespace postrider::wire::dsn
