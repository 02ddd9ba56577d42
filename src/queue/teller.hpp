// Who tells senders what became of their mail. The scheduler says when; the words are made elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/backlog.hpp"

namespace postrider::queue {

struct Delayed {
  base::MessageId message;
  // Why those of its recipients wait that were perhaps not tried themselves: their site is given up.
  std::vector<std::pair<std::uint32_t, mail::Outcome>> reasons = {};
};

class Teller {
 public:
  virtual ~Teller() = default;
  // Writes one notification (RFC 3464) for the recipients of this message that are untold, and commits it with their
  // removal; or removes them where nothing is to be said. `done` once, on any thread; must not block. After a
  // failure nothing has changed, and the scheduler asks again later.
  virtual void tell(store::Claimed untold, std::function<void(base::Result<void>)> done) = 0;
  // One notification that a message takes long, of all its recipients that wait and whose sender wants to hear of it and
  // has not: they are marked as warned with it, and go on waiting. False: it is too early (failure.hpp, late_from()).
  // One at a time for a message.
  virtual void warn(Delayed delayed, std::function<void(base::Result<bool>)> done) = 0;
};

}  // namespace postrider::queue
