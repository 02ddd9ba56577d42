// What the DKIM signatures of a message prove. RFC 6376 6
//
//   header is there   DkimCheck check(header, bodies)
//   meanwhile         check.go_on(lookups), until it says true; bodies.feed(...), bodies.finish()
//   both done         check.results(bodies, now)
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/dkim_keys.hpp"
#include "wire/authres/authres.hpp"
#include "wire/dkim/verify.hpp"

namespace postrider::policy {

// One signature. What can't be read of it is empty; all is printable ASCII but `identity`, which may have UTF-8 in it.
struct DkimResult {
  wire::dkim::Verdict verdict;
  std::string domain;           // d=, A-labels
  std::string selector;         // s=
  std::string identity;         // i=, "joe@sub.example.com" or "@example.com"
  std::string algorithm;        // a=
  std::string signature_start;  // the first characters of b=, to tell it from others. RFC 6008 4
  // Behind what the body was when it was signed. DkimCheck does not look for it: see wire::dkim::BodyPrefix.
  std::uint64_t appended_octets = 0;

  bool passed() const { return verdict.result == wire::dkim::Result::pass; }
};

// "fail: the body has changed (d=example.com, s=mail, rsa-sha256, 2048 bits; mail._domainkey.example.com has
// \"v=DKIM1; …\")", for people; of a pass without the key's record. One line of printable ASCII, of 1000 octets at most.
std::string describe(const DkimResult& result);

// As Authentication-Results tells it: one result for each signature, or "none". RFC 8601 2.7.1
std::vector<wire::authres::MethodResult> method_results(const std::vector<DkimResult>& results);

// One for a message. One thread at a time.
class DkimCheck {
 public:
  // Tells `bodies` what is wanted of it. `header` may go when this returns.
  DkimCheck(const wire::dkim::HeaderIndex& header, wire::dkim::BodyHasher& bodies);

  bool go_on(Lookups& lookups) { return keys_.go_on(lookups); }
  // In the order of the header, kMaxSignatures at most; none for a message without a signature. `bodies` is that of the
  // constructor, finished. A key whose question has no answer yet is a temperror. A true signature whose l= leaves some of the
  // body unsigned is Result::policy.
  std::vector<DkimResult> results(const wire::dkim::BodyHasher& bodies, base::UtcTime now) const;
  // Signatures beyond kMaxSignatures.
  std::size_t left_out() const { return prepared_.left_out; }

 private:
  wire::dkim::Prepared prepared_;
  DkimKeys keys_;
};

}  // namespace postrider::policy
