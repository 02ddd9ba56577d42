#include "wire/arc/seal.hpp"

#include <algorithm>
#include <chrono>

#include "wire/base64.hpp"
#include "wire/dkim/verify.hpp"

namespace postrider::wire::arc {
namespace {

constexpr auto kForm = dkim::Canonicalization::relaxed;

struct Maker {
  const dkim::SigningKey& key;
  const Sealing& sealing;
  std::string instance;

  std::string seconds() const {
    return std::to_string(std::chrono::floor<std::chrono::seconds>(sealing.now).time_since_epoch().count());
  }
  std::string signature(std::string_view body_hash, std::string_view names, std::string_view b) const {
    dkim::TagWriter field("ARC-Message-Signature", sealing.line_size);
    begin(field, b);
    field.tag("bh", body_hash);
    field.tag("c", "relaxed/relaxed");
    field.tag("d", key.domain.ascii());
    field.colon_tag("h", names);
    end(field);
    return std::move(field).finish();
  }
  std::string seal(std::string_view b) const {
    dkim::TagWriter field("ARC-Seal", sealing.line_size);
    begin(field, b);
    field.tag("cv", to_string(sealing.chain));
    field.tag("d", key.domain.ascii());
    end(field);
    return std::move(field).finish();
  }
  // What b= of a field is, whose text without it is `unsigned_field`, behind `chosen`.
  std::string sign(std::string chosen, std::string_view unsigned_field) const {
    dkim::append_unsigned(kForm, unsigned_field, chosen);
    return to_base64(key.key.sign(dkim::sha256(chosen)));
  }

 private:
  void begin(dkim::TagWriter& field, std::string_view b) const {
    field.tag("a", to_string(key.key.algorithm()));
    field.base64_tag("b", b);
    field.end_line();
  }
  void end(dkim::TagWriter& field) const {
    field.tag("i", instance);
    field.tag("s", key.selector);
    field.tag("t", seconds());
  }
};

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ":") + name;
  return list;
}

// What was there before; but of a chain that failed nothing. RFC 8617 5.1.2
std::string earlier_sets(const dkim::HeaderIndex& header, const Chain& chain, Status found) {
  std::string text;
  if (found == Status::fail) return text;
  for (const Set& set : chain.sets)
    for (const std::size_t field : {set.results_field, set.signature_field, set.seal_field})
      dkim::append_canonical(kForm, header.text(field), text);
  return text;
}

}  // namespace

std::vector<std::string> fields_to_seal(const dkim::HeaderIndex& header) {
  auto names = dkim::fields_to_sign(header);
  names.insert(names.end(), std::min(header.count("DKIM-Signature"), dkim::kMaxSignatures), "DKIM-Signature");
  return names;
}

std::optional<SealedSet> seal(const dkim::HeaderIndex& header, const Chain& chain,
                              const dkim::Digest& body_hash, const dkim::SigningKey& key,
                              const Sealing& sealing) {
  // RFC 8617 5.1
  if (chain.ends_in_fail || chain.highest == kMaxSets) return {};
  const Maker maker{key, sealing, std::to_string(chain.highest + 1)};
  SealedSet set;
  set.results = "ARC-Authentication-Results: i=" + maker.instance + "; " +
                authres::write_value(sealing.results) + "\r\n";
  const std::string hash = to_base64(dkim::octets(body_hash)), names = joined(sealing.fields);
  set.signature = maker.signature(
      hash, names, maker.sign(header.chosen(sealing.fields, kForm), maker.signature(hash, names, {})));
  std::string sealed = earlier_sets(header, chain, sealing.chain);
  dkim::append_canonical(kForm, set.results, sealed);
  dkim::append_canonical(kForm, set.signature, sealed);
  set.seal = maker.seal(maker.sign(std::move(sealed), maker.seal({})));
  return set;
}

}  // namespace postrider::wire::arc
