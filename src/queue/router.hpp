// Which courier takes a recipient now. The queue owns this interface; app/ fills it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "config/config.hpp"
#include "mail/envelope.hpp"
#include "queue/courier.hpp"

namespace postrider::queue {

// Asked at each attempt, never stored.
class Router {
 public:
  virtual ~Router() = default;
  struct Choice {
    Courier* courier = nullptr;                  // outlives the queue; null: see `instead` and `hold`
    std::shared_ptr<const config::Route> route;  // with a courier never null
    std::optional<mail::Outcome> instead;  // no courier: what became of it (discarded, deferred, failed)
    bool hold = false;                     // no courier: wait for an operator
  };
  // On the queue's strand; must not block. Recipients of one message with the same domain, courier and route go
  // together.
  virtual Choice choose(const mail::Envelope& envelope, const mail::Recipient& recipient) = 0;
  // Whether choose() would say `hold` of one that has just come: then it is held from its first transaction on, without a
  // second. Any thread; must not block. False is always right.
  virtual bool holds(const mail::Recipient&) const { return false; }
  // Whom mail of our own for this address goes to: an alias of ours is followed, as RCPT does. At least one. Any
  // thread; must not block.
  virtual std::vector<mail::Recipient> recipients(const mail::Address& address) const {
    return {{.original = address, .alias = {}, .final = address, .orcpt = {}, .notify = {}, .last = {}}};
  }
};

}  // namespace postrider::queue
