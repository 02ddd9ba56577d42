// What the checks of a message found out, as the Authentication-Results field tells it. RFC 8601
#pragma once

#include "policy/authentication.hpp"
#include "wire/authres/authres.hpp"

namespace postrider::policy {

// "spf=pass smtp.mailfrom=example.com": of the reverse-path and of HELO; with the null sender of HELO alone. RFC 8601 2.7.2
std::vector<wire::authres::MethodResult> spf_results(const AuthenticationFacts& facts,
                                                     const AuthenticationFindings& findings);
// "iprev=pass (mx.example.com) policy.iprev=192.0.2.1". RFC 8601 3
wire::authres::MethodResult iprev_result(const AuthenticationFacts& facts, const IprevFinding& finding);
// "dmarc=fail (p=reject dis=quarantine) reason=\"…\" header.from=example.com policy.dmarc=reject". `done` is what was done with
// the message; policy.dmarc is what its owner asks for. RFC 9989 9.2
wire::authres::MethodResult dmarc_result(const DmarcFinding& finding, wire::dmarc::Policy done);

// All of them, those that matter most to a person first: dmarc, dkim, spf, arc, iprev. The authserv-id is facts.receiver.
wire::authres::AuthenticationResults authentication_results(const AuthenticationFacts& facts,
                                                            const AuthenticationFindings& findings,
                                                            wire::dmarc::Policy done);

}  // namespace postrider::policy
