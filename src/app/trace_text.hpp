// A message's timeline, for people and for scripts. Pure; any thread. What strangers said is made harmless for a terminal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "store/backlog.hpp"
#include "store/timeline.hpp"

namespace postrider::app {

// Whole lines: time, span since `start`, what happened; details indented below.
std::string event_text(const store::ReadEvent& event, base::UtcTime start);
std::string loss_text(const store::Loss& loss);
// Where each open recipient stands, at most 20 of them; or that none is open.
std::string state_text(const std::optional<store::Claimed>& open);

// One object, without a line end: id, at, event, recipient (where it is of one), last (where it is), facts. A fact that an
// event may have several times (decision, and what an alias became) is a list of texts, each other a text.
std::string event_json(const store::ReadEvent& event);
std::string loss_json(const store::Loss& loss);

// "+0ms", "+977ms", "+1.25s", "+12m 3s", "+2h 5m", "+3d 4h"; "-" before it for a time before.
std::string elapsed_text(base::Milliseconds span);

}  // namespace postrider::app
