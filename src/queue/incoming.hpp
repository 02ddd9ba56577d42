// What is to become mail.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mail/envelope.hpp"
#include "queue/finisher.hpp"
#include "store/spool.hpp"

namespace postrider::queue {

// A message that is being received; see store/spool.hpp. Its owner is whoever receives.
using Draft = store::Draft;

struct Incoming {
  mail::Envelope envelope;
  Draft draft;
  mail::Edits edits{};                   // those of the finisher come behind them
  std::vector<std::string> decisions{};  // why it was let in, for the timeline: one line each
  mail::Edits above{};                   // behind those of the finisher: what stands above its trace fields
  // What its signatures are made of, for the call that takes it. Without it there are none.
  std::optional<ContentFacts> content{};
};

}  // namespace postrider::queue
