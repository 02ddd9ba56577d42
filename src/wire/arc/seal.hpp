// Adds a set to an Authenticated Received Chain, RFC 8617 5.1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "wire/arc/chain.hpp"
#include "wire/authres/authres.hpp"
#include "wire/dkim/sign.hpp"
#include "wire/dkim/tag_writer.hpp"

namespace postrider::wire::arc {

struct Sealing {
  authres::AuthenticationResults results;   // what we found out, the chain's own "arc=" among it
  Status chain = Status::none;              // what judge() said of the chain
  std::vector<std::string> fields;          // h=; see fields_to_seal()
  base::UtcTime now;                        // t=
  std::size_t line_size = dkim::kLineSize;  // of the two signed fields
};

// Whole fields with their CRLF. They stand in this order, from top to bottom, above all others of the message.
struct SealedSet {
  std::string seal, signature, results;
};

// As for a DKIM signature, and the DKIM signatures themselves. RFC 8617 4.1.2
std::vector<std::string> fields_to_seal(const dkim::HeaderIndex& header);

// `header` is that of the message as it goes out, `chain` is read from it, `body_hash` is of the whole body in relaxed
// form. Nothing where the chain is not to be added to: it ends in cv=fail, or is as long as it may be. Any thread.
std::optional<SealedSet> seal(const dkim::HeaderIndex& header, const Chain& chain,
                              const dkim::Digest& body_hash, const dkim::SigningKey& key,
                              const Sealing& sealing);

}  // namespace postrider::wire::arc
