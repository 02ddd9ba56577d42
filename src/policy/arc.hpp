// What the Authenticated Received Chain of a message says, RFC 8617. Used as DkimCheck is.
#pragma once

#include <string>
#include <vector>

#include "policy/dkim_keys.hpp"
#include "wire/arc/validate.hpp"
#include "wire/authres/authres.hpp"

namespace postrider::policy {

// A hop that passed the message on. What it says is worth as much as its name is.
struct ArcHop {
  std::string domain;   // who sealed, A-labels
  std::string results;  // what it found out, for wire::authres::parse()
};

struct ArcResult {
  wire::arc::Verdict verdict;
  std::vector<ArcHop> hops;  // the first one first; empty where there is no chain, or one that is malformed
  bool passed() const { return verdict.status == wire::arc::Status::pass; }
};

// "arc=pass", "arc=fail reason=…". RFC 8617 6
wire::authres::MethodResult method_result(const ArcResult& result);

// One for a message. One thread at a time.
class ArcCheck {
 public:
  // Tells `bodies` what is wanted of it. `header` may go when this returns.
  ArcCheck(const wire::dkim::HeaderIndex& header, wire::dkim::BodyHasher& bodies);

  bool go_on(Lookups& lookups) { return keys_.go_on(lookups); }
  // `bodies` is that of the constructor, finished.
  ArcResult result(const wire::dkim::BodyHasher& bodies, base::UtcTime now) const;
  // For who seals the message anew; its numbers of fields are those of the constructor's header.
  const wire::arc::Chain& chain() const { return pending_.chain; }

 private:
  wire::arc::Pending pending_;
  DkimKeys keys_;
};

}  // namespace postrider::policy
