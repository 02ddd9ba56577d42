// Random numbers, behind an interface so that a test can repeat them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace postrider::sys {

// Any thread.
class Random {
 public:
  virtual ~Random() = default;
  // Every octet of `out`, uniform.
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t bits();
  // 0 to bound - 1, each as likely as the other. Requires bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // `count` octets, any value.
  std::string bytes(std::size_t count);
};

// The kernel's generator (getrandom): fit for keys and tokens. Lives as long as the process. Blocks only in
// the first moments after a boot, until the kernel has gathered enough.
Random& system_random();

}  // namespace postrider::sys
