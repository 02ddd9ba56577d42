// Who tells senders what became of their mail. The scheduler says when; the words are made elsewhere.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/backlog.hpp"

namespace postrider::queue {

struct Delayed {
  store::Claimed
      message;  // `recipients` are those to be warned of; each has its last outcome in the envelope
  base::UtcTime retried_until{};  // when it will be given up
};

class Teller {
 public:
  virtual ~Teller() = default;
  // Writes one notification (RFC 3464) for the recipients of this message that are untold, and commits it with their
  // removal; or removes them where nothing is to be said. `done` once, on any thread; must not block. After a
  // failure nothing has changed, and the scheduler asks again later.
  virtual void tell(store::Claimed untold, std::function<void(base::Result<void>)> done) = 0;
  // The same for mail that takes long: the recipients are marked as warned, and go on waiting.
  virtual void warn(Delayed delayed, std::function<void(base::Result<void>)> done) = 0;
};

}  // namespace postrider::queue
