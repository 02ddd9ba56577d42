// Asks a next hop whether it would take a recipient, without sending anything.
#pragma once

#include <functional>

#include "mail/address.hpp"
#include "mail/reply.hpp"

namespace postrider::policy {

// Implemented in deliver/. Any thread.
class RecipientProbe {
 public:
  virtual ~RecipientProbe() = default;
  // The answer to MAIL FROM:<> RCPT TO:<recipient> RSET at the next hop, from the cache where it is fresh
  // (2yz and 5yz: positive 1 h, negative 5 min, 100,000 entries at most); 450 4.4.x where the next hop can't
  // be asked within [timeouts] probe. `done` is called once, on any thread, and must not block.
  virtual void ask(const mail::Address& recipient, std::move_only_function<void(mail::Reply)> done) = 0;
};

}  // namespace postrider::policy
