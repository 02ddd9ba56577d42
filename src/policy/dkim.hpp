// What the DKIM signatures of a message prove. RFC 6376 6
//
//   header is there   DkimCheck check(header, bodies, keys); the questions of `keys` go out
//   body streams by   bodies.feed(...), finish()
//   all answered      check.results(bodies, keys, now)
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/dkim_keys.hpp"
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

  bool passed() const { return verdict.result == wire::dkim::Result::pass; }
};

// "fail: the body has changed (d=example.com, s=mail, rsa-sha256, 2048 bits; mail._domainkey.example.com has
// \"v=DKIM1; …\")", for people; one line of printable ASCII, of 1000 octets at most.
std::string describe(const DkimResult& result);

// One for a message. Used by one thread at a time.
class DkimCheck {
 public:
  // Tells `bodies` and `keys` what is wanted. `header` may go when this returns.
  DkimCheck(const wire::dkim::HeaderIndex& header, wire::dkim::BodyHasher& bodies, DkimKeys& keys);

  // In the order of the header, kMaxSignatures at most; none for a message without a signature. `bodies` and `keys` are those
  // of the constructor, finished and answered; what was not answered is a temperror.
  std::vector<DkimResult> results(const wire::dkim::BodyHasher& bodies, const DkimKeys& keys,
                                  base::UtcTime now) const;
  // Signatures beyond kMaxSignatures.
  std::size_t left_out() const { return prepared_.left_out; }

 private:
  wire::dkim::Prepared prepared_;
};

}  // namespace postrider::policy
