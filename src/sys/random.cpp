#include "sys/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace postrider::sys {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    while (!out.empty()) {
      const ssize_t got = getrandom(out.data(), out.size(), 0);
      if (got > 0) {
        out = out.subspan(static_cast<std::size_t>(got));
      } else if (errno != EINTR) {
        std::perror("postrider: getrandom");
        std::abort();  // ids and tokens that can be guessed are worse than no server
      }
    }
  }
};

}  // namespace

std::uint64_t Random::bits() {
  std::uint64_t value = 0;
  fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // The lowest 2^64 mod bound values are thrown away: with them some results would be more likely.
  const std::uint64_t unfair = (0 - bound) % bound;
  std::uint64_t value = bits();
  while (value < unfair) value = bits();
  return value % bound;
}

std::string Random::bytes(std::size_t count) {
  std::string out(count, '\0');
  fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace postrider::sys
