#include "deliver/tls_memory.hpp"

#include <utility>

namespace postrider::deliver {

net::TlsSession TlsMemory::take_session(const std::string& hop) {
  const std::lock_guard lock(mutex_);
  auto* found = sessions_.find(hop);
  if (!found) return nullptr;
  auto session = std::move(*found);
  sessions_.erase(hop);
  return session;
}

void TlsMemory::keep_session(const std::string& hop, net::TlsSession session) {
  const std::lock_guard lock(mutex_);
  sessions_.put(hop, std::move(session));
}

void TlsMemory::note_broken(const std::string& hop, base::SteadyTime now) {
  const std::lock_guard lock(mutex_);
  broken_.put(hop, now + kBroken);
}

bool TlsMemory::is_broken(const std::string& hop, base::SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const auto* until = broken_.find(hop);
  if (!until) return false;
  if (now < *until) return true;
  broken_.erase(hop);
  return false;
}

}  // namespace postrider::deliver
