#include "wire/arc/validate.hpp"

#include <algorithm>

namespace postrider::wire::arc {
namespace {

constexpr auto kForm = dkim::Canonicalization::relaxed;  // RFC 8617 5.1.1

Verdict failed(std::string why, bool temporary = false) { return {Status::fail, std::move(why), temporary}; }

std::string place(std::string_view what, std::size_t instance, std::string_view domain) {
  return std::string(what) + " of i=" + std::to_string(instance) + " by " + std::string(domain) + ": ";
}

// Each seal signs all sets up to its own. RFC 8617 5.1.1
std::vector<dkim::Digest> seal_hashes(const dkim::HeaderIndex& header, const std::vector<Set>& sets) {
  std::vector<dkim::Digest> hashes;
  dkim::Sha256 all;
  for (const Set& set : sets) {
    std::string text;
    dkim::append_canonical(kForm, header.text(set.results_field), text);
    dkim::append_canonical(kForm, header.text(set.signature_field), text);
    all.update(text);
    dkim::Sha256 own = all;
    text.clear();
    dkim::append_unsigned(kForm, header.text(set.seal_field), text);
    own.update(text);
    hashes.push_back(own.value());
    text.clear();
    dkim::append_canonical(kForm, header.text(set.seal_field), text);
    all.update(text);
  }
  return hashes;
}

std::optional<Verdict> seal_fault(const Pending& pending, std::size_t i, const KeyOf& key_of) {
  const Seal& seal = pending.chain.sets[i].seal;
  const std::string name = place("the seal", i + 1, seal.tags.domain.ascii());
  if (seal.tags.algorithm == dkim::Algorithm::rsa_sha1)
    return failed(name + "rsa-sha1 proves nothing any more");
  const auto key = dkim::choose_key(seal.tags.algorithm, key_of(seal.key_name()));
  if (!key) return failed(name + key.error().why, key.error().result == dkim::Result::temperror);
  if (!key->key.verify(pending.seal_hashes[i], seal.tags.signature))
    return failed(name + "the chain has changed, or the key is another");
  return {};
}

}  // namespace

std::vector<std::string> Pending::key_names() const {
  std::vector<std::string> names;
  for (const Set& set : chain.sets) names.push_back(set.seal.key_name());
  if (!chain.sets.empty()) names.push_back(chain.sets.back().signature.key_name());
  return names;
}

Pending prepare_chain(const dkim::HeaderIndex& header, dkim::BodyHasher& bodies) {
  Pending pending{.chain = read_chain(header), .newest = {}, .seal_hashes = {}};
  if (pending.chain.sets.empty()) return pending;
  const Set& last = pending.chain.sets.back();
  pending.newest.push_back(dkim::prepare(last.signature, last.signature_field, header, bodies));
  pending.seal_hashes = seal_hashes(header, pending.chain.sets);
  return pending;
}

Verdict judge(const Pending& pending, const dkim::BodyHasher& bodies, const KeyOf& key_of,
              base::UtcTime now) {
  const Chain& chain = pending.chain;
  if (!chain.fault.empty()) return failed(chain.fault);
  if (chain.sets.empty()) return {};
  const auto& signature = chain.sets.back().signature;
  const std::string name = place("the message signature", chain.sets.size(), signature.domain.ascii());
  if (signature.algorithm == dkim::Algorithm::rsa_sha1)
    return failed(name + "rsa-sha1 proves nothing any more");
  const auto newest = dkim::judge(pending.newest.front(), bodies, key_of(signature.key_name()), now);
  if (newest.result != dkim::Result::pass)
    return failed(name + newest.why, newest.result == dkim::Result::temperror);
  for (std::size_t i = chain.sets.size(); i-- > 0;)
    if (auto fault = seal_fault(pending, i, key_of)) return *fault;
  return {.status = Status::pass, .why = {}, .temporary = false, .unsigned_octets = newest.unsigned_octets};
}

}  // namespace postrider::wire::arc
