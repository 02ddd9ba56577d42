// What the sender of a message would have to change so that its checks pass. For people; pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "policy/authentication.hpp"

namespace postrider::policy {

struct Advice {
  // Receivers may hold it against this message. False: it does no harm here, but may elsewhere or later.
  bool needed = false;
  std::string about;  // "DMARC", "DKIM 2" (the second signature from the top), "SPF", "HELO", "iprev", "ARC"
  std::string text;   // whole sentences, to who runs the sender's servers; printable ASCII on one line
};

// What is needed first, and of that what matters most. Nothing where all is as it should be. Checks that were left out
// (see AuthenticationFacts) have no advice.
std::vector<Advice> advise(const AuthenticationFacts& facts, const AuthenticationFindings& findings);

// The parts.
std::vector<Advice> advise_iprev(const base::IpAddress& client, const IprevFinding& finding);
// `about`: "SPF" or "HELO".
std::vector<Advice> advise_spf(std::string_view about, const base::IpAddress& client,
                               const SpfFinding& finding);
std::vector<Advice> advise_dkim(const std::string& about, const DkimResult& result);
std::vector<Advice> advise_dmarc(const AuthenticationFacts& facts, const AuthenticationFindings& findings);

}  // namespace postrider::policy
