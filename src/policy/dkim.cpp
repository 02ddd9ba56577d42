#include "policy/dkim.hpp"

#include <utility>

#include "base/append.hpp"
#include "base/ascii.hpp"

namespace postrider::policy {
namespace {

using wire::dkim::Pending;

DkimResult result_of(const Pending& pending, wire::dkim::Verdict verdict) {
  DkimResult result;
  result.verdict = std::move(verdict);
  if (pending.signature) {
    const auto& signature = *pending.signature;
    result.domain = signature.domain.ascii();
    result.selector = signature.selector;
    result.identity = signature.local + '@' + signature.identity.ascii();
    result.algorithm = to_string(signature.algorithm);
    result.signature_start = signature.signature_start;
  } else {
    const auto& unusable = pending.signature.error();
    result.domain = unusable.domain;
    result.selector = unusable.selector;
    result.signature_start = unusable.signature_start;
  }
  return result;
}

// All is as it was signed, but behind it anybody may have put what he wants, and much of it looks like the whole message
// (another boundary, a style sheet). So it stands for nothing, DMARC's alignment least of all. RFC 6376 8.2, RFC 8601 2.7.1
wire::dkim::Verdict if_whole(wire::dkim::Verdict verdict) {
  if (verdict.result != wire::dkim::Result::pass || verdict.unsigned_octets == 0) return verdict;
  verdict.result = wire::dkim::Result::policy;
  verdict.fault = wire::dkim::Fault::partial;
  verdict.why =
      "l= leaves the last " + std::to_string(verdict.unsigned_octets) + " octets of the body unsigned";
  return verdict;
}

}  // namespace

std::string describe(const DkimResult& result) {
  constexpr std::size_t kMost = 1000;
  const auto& verdict = result.verdict;
  std::string text;
  text.reserve(256);
  text += to_string(verdict.result);
  if (!verdict.why.empty()) base::append(text, ": ", verdict.why);
  if (verdict.testing) text += ", in testing mode";
  base::append(text, " (d=", result.domain, ", s=", result.selector);
  if (!result.algorithm.empty()) base::append(text, ", ", result.algorithm);
  if (verdict.key_bits != 0) base::append(text, ", ", std::to_string(verdict.key_bits), " bits");
  // Of a key that fits nobody asks what its record is.
  if (!verdict.record.empty() && verdict.result != wire::dkim::Result::pass)
    base::append(text, "; ", result.selector, "._domainkey.", result.domain, " has \"", verdict.record, '"');
  base::make_printable(base::append(text, ')'));
  if (text.size() > kMost) text = text.substr(0, kMost - 3) + "...";
  return text;
}

std::vector<wire::authres::MethodResult> method_results(const std::vector<DkimResult>& results) {
  std::vector<wire::authres::MethodResult> out;
  for (const DkimResult& result : results) {
    const auto& verdict = result.verdict;
    wire::authres::MethodResult told{
        .method = "dkim", .result = std::string(to_string(verdict.result)), .reason = verdict.why};
    if (verdict.key_bits != 0) told.comment = std::to_string(verdict.key_bits) + "-bit key";
    if (verdict.testing) told.comment += told.comment.empty() ? "testing" : ", testing";
    told.properties.reserve(5);
    const auto add = [&told](const char* name, const std::string& value) {
      if (!value.empty()) told.properties.push_back({"header", name, value});
    };
    add("d", result.domain);
    add("i", result.identity);
    add("s", result.selector);
    add("a", result.algorithm);
    add("b", result.signature_start);  // RFC 6008 4
    out.push_back(std::move(told));
  }
  if (out.empty()) out.push_back({.method = "dkim", .result = "none"});
  return out;
}

DkimCheck::DkimCheck(const wire::dkim::HeaderIndex& header, wire::dkim::BodyHasher& bodies)
    : prepared_(prepare(header, bodies)) {
  for (const Pending& pending : prepared_.signatures)
    if (pending.signature) keys_.want(pending.signature->key_name());
}

std::vector<DkimResult> DkimCheck::results(const wire::dkim::BodyHasher& bodies, base::UtcTime now) const {
  std::vector<DkimResult> results;
  for (const Pending& pending : prepared_.signatures) {
    const auto& key = keys_.of(pending.signature ? pending.signature->key_name() : std::string());
    results.push_back(result_of(pending, if_whole(judge(pending, bodies, key, now))));
  }
  return results;
}

}  // namespace postrider::policy
