// What a local program wants sent, beside the message itself; and its form in a file of the drop folder. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "wire/smtp/command.hpp"
#include "wire/submit/header.hpp"

namespace postrider::wire::submit {

struct Submission {
  // Addresses as said, perhaps without a host.
  std::optional<std::string> sender{};  // absent: who called; empty: the null sender
  std::vector<std::string> recipients{};
  std::string full_name{};  // for a From field that is missing
  mail::Notify notify{};
  mail::DsnReturn ret = mail::DsnReturn::unspecified;
  std::string envid{};
  bool eight_bit = false;  // the message has octets above 127, or was said to
  bool resent = false;     // it has Resent- fields
  base::UtcTime date{};    // of the call
  std::string unique{};    // for the Message-ID: 1 to 64 letters, digits and dots
  bool operator==(const Submission&) const = default;
};

// The same as a client says it in SMTP, with all that was missing filled in.
struct Outgoing {
  smtp::Mail mail;  // without its size
  std::vector<smtp::Rcpt> rcpts;
  std::string header;  // ends with CRLF; the blank line is not in it
};
// `login`: who called. `header`: as scan() gave it. Failure: permanent 5.1.3 or 5.1.7, an address that is none.
base::Result<Outgoing> outgoing(const Submission& submission, std::string_view login,
                                const mail::Domain& host, std::string_view header);

// A file of the drop folder: this head, `header` octets of header section, `body` octets behind the blank line, and kDropEnd.
struct DropHead {
  Submission submission;
  std::uint64_t header = 0;
  std::uint64_t body = 0;
  bool operator==(const DropHead&) const = default;
};
inline constexpr std::string_view kDropEnd = "end\n";
// Octets of a head; 10,000 addresses of any length fit.
inline constexpr std::size_t kMaxDropHead = 4u << 20;

// Ends with a blank line and has no other.
std::string encode(const DropHead& head);
// `text` ends with the blank line. Nothing where it is of another version or damaged.
std::optional<DropHead> decode_drop_head(std::string_view text);

}  // namespace postrider::wire::submit
