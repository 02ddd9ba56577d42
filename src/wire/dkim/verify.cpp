#include "wire/dkim/verify.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace postrider::wire::dkim {
namespace {

// Clocks differ. RFC 6376 3.5, x=
constexpr std::chrono::minutes kFudge(5);

bool is_expired(const Signature& signature, base::UtcTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>((now - kFudge).time_since_epoch());
  return signature.expires && seconds.count() > 0 &&
         *signature.expires < static_cast<std::uint64_t>(seconds.count());
}

// What is wrong where the message does not fit the signature. RFC 6376 6.1.3
std::pair<Fault, std::string_view> compare(const Pending& pending, const BodyHash& body,
                                           const PublicKey& key) {
  const Signature& signature = *pending.signature;
  if (!body.whole) return {Fault::body_short, "the body is shorter than l= says"};
  if (octets(body.digest) != signature.body_hash) return {Fault::body_changed, "the body has changed"};
  if (!key.verify(pending.header_hash, signature.signature))
    return {Fault::header_changed, "the signed header fields have changed, or the key is another"};
  return {Fault::none, {}};
}

}  // namespace

Pending prepare(Signature signature, std::size_t own, const HeaderIndex& header, BodyHasher& bodies) {
  std::string text = header.chosen(signature.fields, signature.header, own);
  append_unsigned(signature.header, header.text(own), text);
  const std::size_t body_hash = bodies.want({signature.body, signature.length});
  return {.signature = std::move(signature), .header_hash = sha256(text), .body_hash = body_hash};
}

Prepared prepare(const HeaderIndex& header, BodyHasher& bodies) {
  Prepared prepared;
  for (std::size_t i = 0; i < header.fields().size(); ++i) {
    if (!base::iequals(header.fields()[i].name, "DKIM-Signature")) continue;
    if (prepared.signatures.size() == kMaxSignatures) {
      ++prepared.left_out;
    } else if (auto signature = parse_signature(header.fields()[i].value)) {
      prepared.signatures.push_back(prepare(std::move(*signature), i, header, bodies));
    } else {
      prepared.signatures.push_back({.signature = std::unexpected(std::move(signature.error()))});
    }
  }
  return prepared;
}

Verdict judge(const Pending& pending, const BodyHasher& bodies, const KeyAnswer& answer, base::UtcTime now) {
  Verdict verdict;
  const auto say = [&verdict](Result result, Fault fault, std::string_view why) {
    verdict.result = result;
    verdict.fault = fault;
    verdict.why = why;
    return verdict;
  };
  if (!pending.signature)
    return say(pending.signature.error().result, pending.signature.error().fault,
               pending.signature.error().why);
  const Signature& signature = *pending.signature;
  // RFC 6376 6.1.1: what to do with an expired signature is up to the verifier.
  if (is_expired(signature, now)) return say(Result::policy, Fault::expired, "the signature has expired");
  const auto key = choose_key(signature.algorithm, answer);
  verdict.record = key ? key->text : key.error().text;
  verdict.key_bits = key ? key->key.bits() : key.error().bits;
  verdict.testing = key ? key->record.testing : key.error().testing;
  if (!key) return say(key.error().result, key.error().fault, key.error().why);
  // RFC 6376 3.6.1, t=s
  if (key->record.strict && signature.identity != signature.domain)
    return say(Result::permerror, Fault::identity, "the key's t=s allows no subdomain in i=");
  const BodyHash& body = bodies.hash(pending.body_hash);
  verdict.unsigned_octets = body.unsigned_octets;
  const auto [fault, why] = compare(pending, body, key->key);
  return say(fault == Fault::none ? Result::pass : Result::fail, fault, why);
}

}  // namespace postrider::wire::dkim
