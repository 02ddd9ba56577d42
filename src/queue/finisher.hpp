// What is added to a message when it is accepted: trace fields and signatures. One place for received mail and for our own
// alike; app/ fills it from policy/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"
#include "mail/edit.hpp"
#include "mail/envelope.hpp"
#include "wire/dkim/sha256.hpp"

namespace postrider::queue {

// What whoever took a message in knows of its content. Lives for the call that it is handed to.
struct ContentFacts {
  std::string_view header;                           // all fields as received, without the blank line
  std::optional<wire::dkim::Digest> body_hash = {};  // of the whole body, relaxed: BodyForm{relaxed, {}}
};
// The same of a message that is at hand as a whole. Nothing where its header section ends in a line that is neither a field nor
// blank: what belongs to it is read in two ways then. `text` outlives it.
std::optional<ContentFacts> facts_of(std::string_view text);

struct Unfinished {
  const mail::Envelope& envelope;
  base::MessageId id;
  const mail::Edits& edits;                    // so far
  const std::optional<ContentFacts>& content;  // nothing: it can't be signed
  const mail::Edits& above;                    // what will stand above all that is added
};

struct Finish {
  mail::Edits edits;                   // they come behind those that are there
  std::vector<std::string> decisions;  // for the timeline, one line each
};

// Any thread; must not block. A signature takes a millisecond at most.
class Finisher {
 public:
  virtual ~Finisher() = default;
  virtual Finish finish(const Unfinished& message) const = 0;
  // Whether the hash of its body is of use, when it comes from there: asked before the body is read.
  virtual bool wants_body_hash(const mail::Origin& origin) const = 0;
};

}  // namespace postrider::queue
