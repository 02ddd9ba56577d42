// What carries mail away: a mailbox, the next server. The queue owns this interface; deliver/ fills it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "mail/envelope.hpp"
#include "mail/outcome.hpp"

namespace postrider::queue {

// A message's bytes with its edits applied, as they go out: CRLF line ends. Blocking: for pool threads only.
// Used by one thread at a time.
class Content {
 public:
  virtual ~Content() = default;
  // The next piece, empty at the end. A failure means that nothing more will come.
  virtual base::Result<std::string> next() = 0;
};

// One message, and those of its recipients that one courier carries together.
struct Job {
  base::MessageId id;
  std::shared_ptr<const mail::Envelope> envelope;
  std::vector<std::uint32_t> recipients;  // indexes into envelope->recipients; not empty
  // A fresh reader from the first byte; may be called more than once.
  std::function<std::unique_ptr<Content>()> open;
};

// By place in Job::recipients. Exactly as many as there are recipients.
using Outcomes = std::vector<mail::Outcome>;

class Courier {
 public:
  virtual ~Courier() = default;
  // Starts the attempt and returns at once. `done` is called exactly once, on any thread, within the
  // courier's deadline, and must not block. Any thread.
  virtual void deliver(Job job, std::move_only_function<void(Outcomes)> done) = 0;
};

}  // namespace postrider::queue
