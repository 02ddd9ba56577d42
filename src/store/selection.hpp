// Which recipients of the queue somebody means, and what a list tells of each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "mail/envelope.hpp"
#include "store/recipient_id.hpp"

namespace postrider::store {

// All that is set must match. Texts are compared without regard to ASCII case.
struct Selection {
  std::optional<base::MessageId> message;
  std::optional<std::string> sender;     // an address, "example.com" or ".example.com"; "<>": the null sender
  std::optional<std::string> recipient;  // the same, of the original, the alias or the final address
  std::vector<std::string> destinations;  // what stands behind the @ of final addresses; empty: all
  std::optional<base::Milliseconds> older_than, younger_than;  // since the message was received
  std::optional<mail::RecipientState> state;
  bool everything() const {
    return !message && !sender && !recipient && destinations.empty() && !older_than && !younger_than &&
           !state;
  }
};

struct Listed {
  RecipientId id;
  std::string sender;     // "" for the null sender
  std::string original;   // what RCPT TO said
  std::string recipient;  // the final address
  std::string destination;
  mail::RecipientState state = mail::RecipientState::waiting;
  bool quarantined = false;
  base::UtcTime due{};
  std::uint32_t attempts = 0;
  std::optional<mail::Outcome> last;
  base::UtcTime received{};
  std::uint64_t size = 0;
};

// What stands behind the @ of some final address, and one of the recipients there.
struct DestinationSample {
  std::string destination;
  RecipientId recipient;
};

struct ListedPage {
  std::vector<Listed> rows;  // by message id, then index
  std::optional<RecipientId>
      next;  // go on behind this one; nothing: that was all. A page may be short, or empty, and
             // yet not the last: a call looks at 20,000 rows at most
};

}  // namespace postrider::store
