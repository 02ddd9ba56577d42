#include "base/ascii.hpp"
#include "policy/advice.hpp"

namespace postrider::policy {
namespace {

using wire::dkim::Fault;

constexpr int kGoodRsa = 2048;  // RFC 8301 3.2

std::string mend(const DkimResult& result) {
  const std::string at = result.selector + "._domainkey." + result.domain;
  const auto& verdict = result.verdict;
  switch (verdict.fault) {
    case Fault::none:
      break;
    case Fault::malformed:
      return "Correct what writes the DKIM-Signature field: " + verdict.why + ".";
    case Fault::from_unsigned:
      return "Sign the From field, too (h=): a signature without it counts for nothing.";
    case Fault::old_algorithm:
      return "Sign by rsa-sha256 or ed25519-sha256: rsa-sha1 counts for nothing any more.";
    case Fault::expired:
      return "The signature has expired (x=). If the message was not too long on its way, let signatures "
             "live longer, or "
             "leave x= out.";
    case Fault::no_answer:
      return "The DNS did not answer for " + at +
             ". Ask again later; if it stays so, mend the name servers of " + result.domain + ".";
    case Fault::no_key:
      return "Publish the key as a TXT record at " + at +
             ": \"v=DKIM1; k=...; p=...\". Check that the selector (s=" + result.selector +
             ") is the one that is signed with, and keep the record for a week after the last signature.";
    case Fault::several_keys:
      return "Leave one key at " + at + ": of several none counts. A new key gets a new selector.";
    case Fault::malformed_key:
      return "Correct the TXT record at " + at + ": " + verdict.why + ".";
    case Fault::revoked_key:
      return "The key at " + at + " was revoked (its p= is empty): sign with the key of another selector.";
    case Fault::unfit_key:
      return "Correct the TXT record at " + at + ", or sign with another key: " + verdict.why + ".";
    case Fault::weak_key:
      return "Make a key of 2048 bits under a new selector: " + verdict.why + ".";
    case Fault::identity:
      return "Sign with i= of " + result.domain + " itself, or take s out of the t= of the record at " + at +
             ".";
    case Fault::body_short:
      return "Something cut the body off after it was signed: it has fewer octets than l= says. Sign without "
             "l=.";
    case Fault::body_changed:
      if (result.appended_octets > 0)
        return "On the way " + std::to_string(result.appended_octets) +
               " octets were appended to the body, a footer as a rule. Who does so should leave the message "
               "alone, or sign and "
               "seal (ARC) it anew; its sender can't mend it, since l= would let anybody append what he "
               "wants.";
      return "Something changed the body after it was signed: a footer of a mailing list or a virus scanner, "
             "another "
             "transfer encoding, other line ends, or lines that were too long and got broken. Sign last of "
             "all, let the "
             "message go out in 7 bits and in lines of at most 78 characters, and use c=relaxed/relaxed.";
    case Fault::header_changed:
      return "Something changed a signed header field after it was signed (a mailing list's mark in the "
             "Subject, a "
             "rewritten From or To, fields put together or written anew), or the key at " +
             at + " is not the one that signed. Sign last of all, and use c=relaxed/relaxed.";
    case Fault::partial:
      return "Sign without l=: the last " + std::to_string(verdict.unsigned_octets) +
             " octets of the body are not signed, and anybody may have put them there.";
  }
  return "";
}

}  // namespace

std::vector<Advice> advise_dkim(const std::string& about, const DkimResult& result) {
  std::vector<Advice> all;
  const auto& verdict = result.verdict;
  const auto add = [&](bool needed, const std::string& text) {
    all.push_back({needed, about, base::printable(text)});
  };
  if (!result.passed()) add(true, mend(result));
  if (verdict.testing)
    add(false,
        "The key is marked as a test (t=y), so receivers may treat the message as if it were not signed: "
        "take the "
        "mark out when you are done.");
  if (result.passed() && verdict.key_bits < kGoodRsa && result.algorithm == "rsa-sha256")
    add(false, "Make a key of 2048 bits under a new selector: one of " + std::to_string(verdict.key_bits) +
                   " bits is no longer safe.");
  return all;
}

}  // namespace postrider::policy
