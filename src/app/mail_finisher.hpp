// The queue's Finisher: the Received field, and the signatures of our domains; for received mail and our own alike.
#pragma once

#include "app/settings.hpp"
#include "app/signing_watch.hpp"
#include "queue/finisher.hpp"

namespace postrider::app {

class MailFinisher final : public queue::Finisher {
 public:
  // Both outlive it.
  MailFinisher(const Settings& settings, const SigningWatch& signing)
      : settings_(settings), signing_(signing) {}
  queue::Finish finish(const queue::Unfinished& message) const override;
  bool wants_body_hash(const mail::Origin& origin) const override;

 private:
  const Settings& settings_;
  const SigningWatch& signing_;
};

}  // namespace postrider::app
