// Tells others (reports to domain owners, metrics) of each message that was judged by what its checks found out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/authentication.hpp"

namespace postrider::policy {

// Why something else was done than the domain's owner asks for. As RFC 9990 names them in a report.
enum class OverrideType : std::uint8_t {
  local_policy,       // our settings say so
  mailing_list,       // ARC of a list that is trusted here
  trusted_forwarder,  // listed here
  policy_test_mode,   // t=y in the record
  other,
};
std::string_view to_string(OverrideType type);  // "local_policy"

struct PolicyOverride {
  OverrideType type = OverrideType::other;
  std::string comment;  // for people, one line of printable ASCII; may be empty
};

// A message that came whole and was judged, accepted or not. All of it lives for the call.
struct Judged {
  const AuthenticationFacts& facts;
  const AuthenticationFindings& findings;
  // What was done with it by DMARC: none, quarantine (delivered to the folder for junk) or reject (refused).
  wire::dmarc::Policy disposition;
  bool refused;  // for whatever its checks found: by DMARC, or by SPF alone
  // Where that is not findings.dmarc.disposition, or that is not findings.dmarc.policy of a message that failed.
  const std::vector<PolicyOverride>& overrides;
  const std::vector<std::string>& recipient_domains;  // that RCPT named, A-labels, each once
  std::string_view header;                            // all fields, as the message came
};

class JudgedObserver {
 public:
  virtual ~JudgedObserver() = default;
  // Any thread; must not block, and copies what it keeps. Before the client has its reply; so that a message whose commit
  // fails then, and that comes again, is told of twice.
  virtual void judged(const Judged& message) = 0;
};

}  // namespace postrider::policy
