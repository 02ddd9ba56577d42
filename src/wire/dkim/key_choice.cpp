#include "wire/dkim/key_choice.hpp"

#include <array>
#include <functional>
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

// A record, and the key in it, each as far as it can be read.
struct Reading {
  std::string text;
  std::expected<KeyRecord, std::string> record;
  std::expected<PublicKey, std::string> key;
};

Reading read(const std::string& text) {
  Reading reading{text, parse_key_record(text), std::unexpected(std::string())};
  if (reading.record) reading.key = PublicKey::parse(reading.record->type, reading.record->public_key);
  return reading;
}

// To make a key costs more than to verify with it: most of that is what OpenSSL works out of the modulus at the key's first use. So
// each thread keeps those that it saw last, 64 of them, and of the texts that are longer than a key's one. Good until the next call.
const Reading& reading_of(const std::string& text) {
  constexpr std::size_t kKept = 64, kLongest = 4096;
  thread_local std::array<std::optional<Reading>, kKept + 1> all;
  auto& kept = all[text.size() > kLongest ? kKept : std::hash<std::string>()(text) % kKept];
  if (!kept || kept->text != text) kept = read(text);
  return *kept;
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
  std::optional<Reading> found;
  for (const std::string& text : answer.records) {
    const Reading& reading = reading_of(text);
    if (!reading.record) {
      if (none.text.empty())
        none = {.why = "the key record can't be read: " + reading.record.error(),
                .text = text,
                .fault = Fault::malformed_key};
      continue;
    }
    if (found)
      return std::unexpected(
          NoKey{.why = "there are several keys", .text = none.text, .fault = Fault::several_keys});
    found = reading;
    none.text = text;
  }
  if (!found) return std::unexpected(std::move(none));
  const KeyRecord& record = *found->record;
  none.testing = record.testing;
  if (record.public_key.empty()) {
    none.fault = Fault::revoked_key;
    none.why = "the key was revoked";
    return std::unexpected(std::move(none));
  }
  if (auto why = unfit(record, algorithm)) {
    none.fault = Fault::unfit_key;
    none.why = std::move(*why);
    return std::unexpected(std::move(none));
  }
  if (!found->key) {
    none.fault = Fault::malformed_key;
    none.why = "the key record has " + found->key.error();
    return std::unexpected(std::move(none));
  }
  none.bits = found->key->bits();
  if (record.type == KeyType::rsa && none.bits < kWeakestRsa) {
    none.result = Result::policy;
    none.fault = Fault::weak_key;
    none.why = "a key of " + std::to_string(none.bits) + " bits is too weak";  // RFC 8301 3.2
    return std::unexpected(std::move(none));
  }
  return ChosenKey{std::move(found->text), *std::move(found->record), *std::move(found->key)};
}

}  // namespace postrider::wire::dkim
