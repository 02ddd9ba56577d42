// What becomes of a message by what its checks found out, and by [authentication] and [dmarc].
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "mail/reply.hpp"
#include "policy/judged.hpp"

namespace postrider::policy {

struct AuthenticationVerdict {
  std::optional<mail::Reply> refusal;  // 550, or 451 where the DNS left it undecided
  // By DMARC: reject goes with a 550, quarantine is taken and delivered to the folder for junk.
  wire::dmarc::Policy done = wire::dmarc::Policy::none;
  std::vector<PolicyOverride> overrides;  // as Judged has them
};

// Refused, in this order:
//   451 4.7.24, 4.7.5, 4.4.3   SPF, a DKIM key or a DMARC record could not be read, and [authentication] undecided says so
//   550 5.7.1                  DMARC fails, and the owner of the domain wants it refused (RFC 9989 5.4); or From has domains that
//                              can't be judged, and would deceive a reader
//   550 5.7.23                 SPF says fail, and [authentication] refuse_spf_fail says so (RFC 7372 3.2)
// Never refused or set aside: what a listed forwarder brings, and what a trusted seal vouches for (RFC 8617 7.2.1).
AuthenticationVerdict judge_authentication(const config::Config& config, const AuthenticationFacts& facts,
                                           const AuthenticationFindings& findings);

// Each finding with its reason, for the timeline: one line each, of printable ASCII.
std::vector<std::string> describe(const AuthenticationFacts& facts, const AuthenticationFindings& findings,
                                  const AuthenticationVerdict& verdict);

}  // namespace postrider::policy
