// The queue's Finisher: the Received field, for received mail and our own alike.
#pragma once

#include "app/settings.hpp"
#include "policy/trace.hpp"
#include "queue/finisher.hpp"

namespace postrider::app {

class TraceFinisher final : public queue::Finisher {
 public:
  explicit TraceFinisher(const Settings& settings) : settings_(settings) {}
  mail::Edits finish(const mail::Envelope& envelope, base::MessageId id) const override {
    const auto config = settings_.get().config;
    const bool hidden = config->submission.hide_client && !envelope.origin.identity.empty();
    return {mail::PrependField{policy::received_field(
        envelope, id, config->hostname, hidden ? policy::Client::hidden : policy::Client::shown)}};
  }

 private:
  const Settings& settings_;
};

}  // namespace postrider::app
