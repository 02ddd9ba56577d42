#include "wire/dkim/der.hpp"

#include <cstddef>

namespace postrider::wire::dkim {
namespace {

constexpr char kInteger = '\x02', kBitString = '\x03', kSequence = '\x30';
// rsaEncryption with its NULL. RFC 3279 2.3.1
constexpr std::string_view kRsaEncryption("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13);

// The content of the element of type `tag` that `der` begins with, which is taken from it.
std::optional<std::string_view> take(std::string_view& der, char tag) {
  if (der.size() < 2 || der[0] != tag) return {};
  std::size_t size = static_cast<unsigned char>(der[1]);
  std::size_t at = 2;
  if (size >= 0x80) {
    const std::size_t digits = size - 0x80;
    if (digits == 0 || digits > 3 || der.size() < at + digits) return {};
    size = 0;
    for (std::size_t i = 0; i < digits; ++i) size = size << 8 | static_cast<unsigned char>(der[at++]);
  }
  if (der.size() - at < size) return {};
  const std::string_view content = der.substr(at, size);
  der.remove_prefix(at + size);
  return content;
}

// Positive.
std::optional<std::string_view> take_number(std::string_view& der) {
  auto number = take(der, kInteger);
  if (!number || number->empty() || static_cast<unsigned char>(number->front()) >= 0x80) return {};
  while (number->starts_with('\0')) number->remove_prefix(1);
  if (number->empty()) return {};
  return number;
}

// RFC 8017 Appendix A
std::optional<RsaNumbers> numbers_of(std::string_view der) {
  const auto modulus = take_number(der), exponent = take_number(der);
  if (!modulus || !exponent || !der.empty()) return {};
  return RsaNumbers{*modulus, *exponent};
}

}  // namespace

std::optional<RsaNumbers> parse_rsa_key(std::string_view der) {
  auto inside = take(der, kSequence);
  if (!inside || !der.empty()) return {};
  if (!inside->starts_with(kSequence)) return numbers_of(*inside);
  const auto algorithm = take(*inside, kSequence);
  auto bits = take(*inside, kBitString);
  // The first octet of a bit string says how many bits of its last one are unused.
  if (algorithm != kRsaEncryption || !bits || !bits->starts_with('\0') || !inside->empty()) return {};
  bits->remove_prefix(1);
  inside = take(*bits, kSequence);
  if (!inside || !bits->empty()) return {};
  return numbers_of(*inside);
}

}  // namespace postrider::wire::dkim
