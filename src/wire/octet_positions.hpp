// Where an octet stands in a block of text, all at once. For scanners that work at the speed of the memory.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace postrider::wire {

inline constexpr std::size_t kBlock = 64;

// Bit k is set where octet k of the block is `c`. `block` has kBlock octets.
inline std::uint64_t positions(const char* block, char c) {
  std::uint64_t bits = 0;
#ifdef __SSE2__
  const __m128i wanted = _mm_set1_epi8(c);
  for (std::size_t i = 0; i < kBlock; i += 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    const auto found = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, wanted)));
    bits |= static_cast<std::uint64_t>(found) << i;
  }
#else
  for (std::size_t i = 0; i < kBlock; ++i) bits |= static_cast<std::uint64_t>(block[i] == c) << i;
#endif
  return bits;
}

}  // namespace postrider::wire
