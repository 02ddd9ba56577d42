// What the timeline's index has instead of addresses: 43 bits each, under a key of the file's own, so that nobody outside
// can choose addresses that share one.
#pragma once

#include <cstdint>
#include <string_view>

namespace postrider::store {

inline constexpr int kHashBits = 43;

struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

// SipHash-1-3 of the text in ASCII lower case. 0 to 2^kHashBits - 1.
std::int64_t address_hash(const HashKey& key, std::string_view address);

}  // namespace postrider::store
