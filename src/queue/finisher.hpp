// What is added to a message when it is accepted: trace fields, later signatures. One place for received mail
// and for our own alike; app/ fills it from policy/.
#pragma once

#include "base/id.hpp"
#include "mail/edit.hpp"
#include "mail/envelope.hpp"

namespace postrider::queue {

// Any thread; must not block.
class Finisher {
 public:
  virtual ~Finisher() = default;
  virtual mail::Edits finish(const mail::Envelope& envelope, base::MessageId id) const = 0;
};

}  // namespace postrider::queue
