// The keys of session tickets: a client brings its session's state with it, so that we keep none. RFC 5077, RFC 8446 2.2
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include "sys/clock.hpp"
#include "sys/random.hpp"

namespace postrider::net {

// Any thread. Keys are in memory only: who later steals the disk can't read what was recorded. A ticket is taken for at
// least kPeriod, at most twice that, and is then unreadable for ever.
class TlsTickets {
 public:
  TlsTickets(sys::Clock& clock, sys::Random& random);

  // From now on this context writes and reads tickets with these keys. Outlives the context's sessions.
  void use_in(SSL_CTX* context);

  static constexpr std::chrono::hours kPeriod{12};

  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> cipher{};
    std::array<std::uint8_t, 32> mac{};
  };
  // The one that new tickets are made with.
  Key current();
  // Nothing where it is unknown, or too old.
  std::optional<Key> find(const std::uint8_t* name);

 private:
  void rotate();  // mutex_ is held
  Key make();

  sys::Clock& clock_;
  sys::Random& random_;
  std::mutex mutex_;
  Key current_;
  std::optional<Key> previous_;
  base::SteadyTime since_;
};

}  // namespace postrider::net
