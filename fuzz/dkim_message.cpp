// Whole messages: their signatures are judged the same however the body is cut, and what we sign verifies. The first octet
// chooses how it is cut, and the canonicalizations.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/dkim/testing/trial.hpp"

namespace dkim = postrider::wire::dkim;
using dkim::Canonicalization;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

std::string canonical(Canonicalization form, std::string_view body, std::size_t piece) {
  std::string out;
  dkim::BodyCanonicalizer canonicalizer(form, [&out](std::string_view octets) { out += octets; });
  for (std::size_t at = 0; at < body.size(); at += piece) canonicalizer.feed(body.substr(at, piece));
  canonicalizer.finish();
  return out;
}

void check_body(std::string_view body, std::size_t piece) {
  for (const auto form : {Canonicalization::simple, Canonicalization::relaxed}) {
    const std::string whole = canonical(form, body, body.size() + 1);
    require(canonical(form, body, piece) == whole && canonical(form, whole, piece) == whole);
    require(whole.size() <= body.size() + 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 16 + 1;
  const auto form_of = [&](int bit) {
    return (data[0] & bit) != 0 ? Canonicalization::relaxed : Canonicalization::simple;
  };
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto [header, body] = dkim::testing::split(message);
  check_body(body, piece);
  static const std::vector<dkim::SigningKey> keys = {dkim::testing::brisbane()};
  static const auto records = dkim::testing::records_of(keys);
  const auto verdicts = dkim::testing::verify(message, records, {}, piece);
  require(verdicts.size() <= dkim::kMaxSignatures);
  const auto again = dkim::testing::verify(message, records, {}, size);
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    require(verdicts[i].result == again[i].result && verdicts[i].why == again[i].why);
  // It would continue the signature above it.
  if (message.starts_with(' ') || message.starts_with('\t')) return 0;
  const std::string signed_message =
      dkim::testing::signed_by(message, keys, {.header = form_of(16), .body = form_of(32), .now = {}});
  require(dkim::testing::verify(signed_message, records, {}, piece).front().result == dkim::Result::pass);
  return 0;
}
