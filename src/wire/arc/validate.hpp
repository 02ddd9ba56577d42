// Validates an Authenticated Received Chain, RFC 8617 5.2. As wire/dkim/verify.hpp: nothing here waits.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "wire/arc/chain.hpp"
#include "wire/dkim/body_hasher.hpp"
#include "wire/dkim/verify.hpp"

namespace postrider::wire::arc {

// A chain that waits for its keys and for the body.
struct Pending {
  Chain chain;
  std::vector<dkim::Pending>
      newest;  // the ARC-Message-Signature of the last set; nothing where there is no chain
  std::vector<dkim::Digest> seal_hashes;  // what the seals sign, instance 1 first

  // Where the keys are; of a chain with a fault none are wanted. At most kMaxSets + 1 names.
  std::vector<std::string> key_names() const;
};

// Tells `bodies` what is wanted of it; so it comes before its first feed(). Linear in the size of the header section.
Pending prepare_chain(const dkim::HeaderIndex& header, dkim::BodyHasher& bodies);

struct Verdict {
  Status status = Status::none;
  std::string why;         // for people; empty where it did not fail
  bool temporary = false;  // it failed since a key could not be looked up
  std::uint64_t unsigned_octets =
      0;  // of the body's end, which l= of the newest message signature leaves out
};

// What the DNS said of one of key_names().
using KeyOf = std::function<dkim::KeyAnswer(const std::string& name)>;

// `bodies` is finished.
Verdict judge(const Pending& pending, const dkim::BodyHasher& bodies, const KeyOf& key_of, base::UtcTime now);

}  // namespace postrider::wire::arc
