// What `postrider verify` found out about a message, for people and for scripts. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/advice.hpp"
#include "policy/authentication.hpp"
#include "policy/lookups.hpp"

namespace postrider::app {

// A question that the checks asked the DNS, and what it said.
struct DnsAnswer {
  std::string type, name;            // "TXT", "example.com"; of PTR the address
  std::vector<std::string> records;  // empty: none
  std::string error;                 // why there is none
  bool secure = false;               // DNSSEC vouches for it
};
std::vector<DnsAnswer> dns_answers(const policy::Lookups& lookups);

struct VerifyReport {
  std::string name;                // of the file, or the message's id
  std::uint64_t size = 0;          // octets, with CRLF
  std::vector<std::string> notes;  // where the facts are from, where nobody said them; whole sentences
  policy::AuthenticationFacts facts;
  policy::AuthenticationFindings findings;
  std::vector<DnsAnswer> dns;
  std::vector<policy::Advice> advice;
};

// Lines of at most `width` columns where words allow it; records stand on a line each, whole.
std::string verify_text(const VerifyReport& report, std::size_t width);
// One object, without a line end. docs/verify.md has its members.
std::string verify_json(const VerifyReport& report);
// What the process ends with: by DMARC's result. docs/verify.md has the table.
int verify_code(const policy::AuthenticationFindings& findings);

}  // namespace postrider::app
