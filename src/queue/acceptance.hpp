// What the timeline and the log tell of a message when it has been accepted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "mail/envelope.hpp"
#include "store/timeline.hpp"

namespace postrider::queue {

// Made before the commit, on the thread of whoever receives, so that the store's writer only passes it on.
class Acceptance {
 public:
  // Takes those out of the envelope that have had their end (refused alone at the end of the data, an alias that was expanded)
  // and of whom nobody is to hear.
  Acceptance(base::MessageId id, mail::Envelope& envelope, std::vector<std::string> decisions);
  // After the commit; once.
  void tell(store::Timeline& timeline);

 private:
  void note_outcomes(const mail::Envelope& envelope);

  base::MessageId id_;
  std::vector<store::Event> events_;
  // As it came; null: nobody has had an end or is held.
  std::shared_ptr<const mail::Envelope> before_;
};

}  // namespace postrider::queue
