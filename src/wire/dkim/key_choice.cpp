#include "wire/dkim/key_choice.hpp"

#include <optional>
#include <utility>

namespace postrider::wire::dkim {
namespace {

// Why a key that was read is none for this signature. RFC 6376 6.1.2
std::optional<std::string> unfit(const KeyRecord& record, Algorithm algorithm) {
  const bool is_rsa = algorithm != Algorithm::ed25519_sha256;
  if (is_rsa != (record.type == KeyType::rsa)) return "the key is of another type than a= says";
  if (!record.allows_sha256) return "the key's h= does not allow sha256";
  if (!record.allows_email) return "the key's s= does not allow mail";
  return {};
}

}  // namespace

std::expected<ChosenKey, NoKey> choose_key(Algorithm algorithm, const KeyAnswer& answer) {
  NoKey none;
  if (answer.kind == KeyAnswer::Kind::unavailable) {
    none.result = Result::temperror;
    none.fault = Fault::no_answer;
    none.why = "the key could not be looked up: " + answer.trouble;
    return std::unexpected(std::move(none));
  }
  none.why = "there is no key";
  std::optional<KeyRecord> record;
  for (const std::string& text : answer.records) {
    auto parsed = parse_key_record(text);
    if (!parsed) {
      if (none.text.empty())
        none = {.why = "the key record can't be read: " + parsed.error(),
                .text = text,
                .fault = Fault::malformed_key};
      continue;
    }
    if (record)
      return std::unexpected(
          NoKey{.why = "there are several keys", .text = none.text, .fault = Fault::several_keys});
    record = std::move(*parsed);
    none.text = text;
  }
  if (!record) return std::unexpected(std::move(none));
  none.testing = record->testing;
  if (record->public_key.empty()) {
    none.fault = Fault::revoked_key;
    none.why = "the key was revoked";
    return std::unexpected(std::move(none));
  }
  if (auto why = unfit(*record, algorithm)) {
    none.fault = Fault::unfit_key;
    none.why = std::move(*why);
    return std::unexpected(std::move(none));
  }
  auto key = PublicKey::parse(record->type, record->public_key);
  if (!key) {
    none.fault = Fault::malformed_key;
    none.why = "the key record has " + key.error();
    return std::unexpected(std::move(none));
  }
  none.bits = key->bits();
  if (record->type == KeyType::rsa && key->bits() < kWeakestRsa) {
    none.result = Result::policy;
    none.fault = Fault::weak_key;
    none.why = "a key of " + std::to_string(key->bits()) + " bits is too weak";  // RFC 8301 3.2
    return std::unexpected(std::move(none));
  }
  return ChosenKey{std::move(none.text), std::move(*record), std::move(*key)};
}

}  // namespace postrider::wire::dkim
