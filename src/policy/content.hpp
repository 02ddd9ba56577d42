// Verdicts on what was sent: loops and malformed headers, judged at the end of the data.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "policy/verdict.hpp"

namespace postrider::policy {

struct ContentVerdict {
  std::optional<mail::Reply> refusal;  // of the whole message
  std::vector<std::optional<mail::Reply>>
      recipients;  // by index in the envelope: a refusal of that one alone
};

// `header` is the header section as received. More than [limits] received_fields Received fields: 554 5.4.6
// for all (RFC 5321 6.3), and `recipients` is all empty. A Delivered-To field that names a recipient's final address: 554 5.4.6 for that
// recipient.
ContentVerdict judge_content(const config::Config& config, const mail::Envelope& envelope,
                             std::string_view header);

}  // namespace postrider::policy
