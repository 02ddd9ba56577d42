// What is remembered of servers' TLS between connections: sessions to resume, and whose TLS is broken.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>

#include "base/time.hpp"
#include "deliver/lru.hpp"
#include "net/tls_context.hpp"

namespace postrider::deliver {

// Any thread. Hops are by NextHop::to_string().
class TlsMemory {
 public:
  // To be used once: two connections with one ticket can be told to be from the same client. RFC 8446 Appendix C
  net::TlsSession take_session(const std::string& hop);
  void keep_session(const std::string& hop, net::TlsSession session);

  // Its handshakes fail: until kBroken has passed, who may go without TLS does so at once.
  void note_broken(const std::string& hop, base::SteadyTime now);
  bool is_broken(const std::string& hop, base::SteadyTime now);

  static constexpr std::size_t kMostSessions = 2'000;  // about 3 KiB each
  static constexpr std::size_t kMostBroken = 10'000;
  static constexpr base::Milliseconds kBroken = std::chrono::minutes(30);

 private:
  std::mutex mutex_;
  Lru<net::TlsSession> sessions_{kMostSessions};
  Lru<base::SteadyTime> broken_{kMostBroken};
};

}  // namespace postrider::deliver
