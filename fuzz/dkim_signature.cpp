// DKIM-Signature fields and key records: what is read keeps its bounds, and a key that is taken can be used.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/dkim/canonicalization.hpp"
#include "wire/dkim/der.hpp"
#include "wire/dkim/key_choice.hpp"
#include "wire/dkim/signature.hpp"

namespace dkim = postrider::wire::dkim;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_signature(std::string_view text) {
  const auto signature = dkim::parse_signature(text);
  if (!signature) {
    const auto& unusable = signature.error();
    require(unusable.result == dkim::Result::neutral || unusable.result == dkim::Result::permerror);
    require(!unusable.why.empty() && unusable.domain.size() <= 255 && unusable.signature_start.size() <= 8);
    return;
  }
  require(signature->algorithm != dkim::Algorithm::rsa_sha1);
  require(signature->identity.is_within(signature->domain));
  require(!signature->fields.empty() && signature->fields.size() <= dkim::kMaxSignedFields);
  require(signature->key_name().size() <= 253);
  require(!signature->body_hash.empty() && !signature->signature.empty());
  require(!signature->expires || !signature->signed_at || *signature->expires > *signature->signed_at);
}

void check_record(std::string_view text) {
  const auto record = dkim::parse_key_record(text);
  for (const auto algorithm : {dkim::Algorithm::rsa_sha256, dkim::Algorithm::ed25519_sha256}) {
    const auto key = dkim::choose_key(algorithm, {dkim::KeyAnswer::Kind::found, {std::string(text)}, {}});
    if (!key) continue;
    require(record && key->record == *record && record->allows_sha256 && record->allows_email);
    require(key->key.bits() <= dkim::kLongestRsa);
    require(!key->key.verify(dkim::sha256("hash"), "no signature"));
  }
  if (!record) return;
  const auto again = dkim::parse_key_record(dkim::write_key_record(record->type, record->public_key));
  require(again && again->type == record->type && again->public_key == record->public_key);
  dkim::parse_rsa_key(record->public_key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_signature(text);
  check_record(text);
  dkim::parse_rsa_key(text);
  for (const auto form : {dkim::Canonicalization::simple, dkim::Canonicalization::relaxed}) {
    std::string whole, emptied;
    dkim::append_canonical(form, "DKIM-Signature:" + std::string(text), whole);
    dkim::append_unsigned(form, "DKIM-Signature:" + std::string(text), emptied);
    require(emptied.size() + 2 <= whole.size());
  }
  return 0;
}
