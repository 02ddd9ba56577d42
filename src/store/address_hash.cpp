#include "store/address_hash.hpp"

#include <bit>

#include "base/ascii.hpp"

namespace postrider::store {
namespace {

struct Sip {
  std::uint64_t v0, v1, v2, v3;

  explicit Sip(const HashKey& key)
      : v0(key.first ^ 0x736f6d6570736575u),
        v1(key.second ^ 0x646f72616e646f6du),
        v2(key.first ^ 0x6c7967656e657261u),
        v3(key.second ^ 0x7465646279746573u) {}

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
  std::uint64_t finish() {
    v2 ^= 0xff;
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

std::uint64_t word_of(std::string_view text) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    word |= std::uint64_t{static_cast<std::uint8_t>(base::to_lower(text[i]))} << (8 * i);
  return word;
}

}  // namespace

std::int64_t address_hash(const HashKey& key, std::string_view address) {
  Sip sip(key);
  const std::uint64_t length = address.size();
  for (; address.size() >= 8; address.remove_prefix(8)) sip.take(word_of(address.substr(0, 8)));
  sip.take(word_of(address) | length << 56);
  return static_cast<std::int64_t>(sip.finish() >> (64 - kHashBits));
}

}  // namespace postrider::store
