// Failure reports: of one message that did not pass. RFC 9991, RFC 6591, in the form of RFC 5965 (ARF). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace postrider::wire::dmarc_report {

inline constexpr std::size_t kMostFailureFields = 100;         // read; those behind are not
inline constexpr std::size_t kMostFailureValue = 8u << 10;     // octets of a field with its folds; cut
inline constexpr std::size_t kMostReportedHeader = 64u << 10;  // octets of the header that comes back; cut

// The part message/feedback-report. Text is UTF-8 without control characters; empty: not there.
struct FailureReport {
  std::string type;  // "abuse", "auth-failure", ...; lower case. RFC 5965 3.1
  std::string user_agent;
  std::uint32_t version = 0;
  std::uint32_t incidents = 1;  // RFC 5965 3.2
  std::optional<base::UtcTime> arrival;
  std::optional<base::IpAddress> source;
  std::uint16_t source_port = 0;                // RFC 6692 3
  std::string reporting_mta;                    // without its type
  std::string envelope_id, mail_from, rcpt_to;  // as written
  std::vector<std::string> authentication_results, reported_domains, reported_uris;
  // RFC 6591 3.1, 3.2; RFC 9991 4
  std::string auth_failure;     // "dmarc", "bodyhash", "spf", ...; lower case
  std::string delivery_result;  // "delivered", "spam", "policy", "reject", "other"; lower case
  std::string identity_alignment;
  std::string dkim_domain, dkim_identity, dkim_selector;
  std::vector<std::string> spf_dns;  // "txt : example.com : \"v=spf1 -all\"", one for each record
  // Of the message that it is about: its header section as it came back, any line ends.
  std::string header;
  bool operator==(const FailureReport&) const = default;
};

// The first such part of a message. Nothing where there is none; failure (permanent 5.6.0) where it has no Feedback-Type.
std::optional<base::Result<FailureReport>> find_failure_report(std::string_view message);

}  // namespace postrider::wire::dmarc_report
