// The Authenticated Received Chain that stands in a header section, RFC 8617 4: sets of three fields, one set for each hop
// that vouches for what it has seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/dkim/header_index.hpp"
#include "wire/dkim/signature.hpp"

namespace postrider::wire::arc {

inline constexpr std::size_t kMaxSets = 50;  // RFC 8617 4.2.1

// RFC 8617 4.4
enum class Status : std::uint8_t { none, pass, fail };
std::string_view to_string(Status status);

// ARC-Seal, RFC 8617 4.1.3
struct Seal {
  dkim::CommonTags tags;
  Status chain = Status::none;  // cv=: what the sealer found

  std::string key_name() const { return tags.selector + "._domainkey." + tags.domain.ascii(); }
};

struct Set {
  std::size_t results_field = 0, signature_field = 0, seal_field = 0;  // in the HeaderIndex
  std::string results;        // ARC-Authentication-Results behind its instance, for authres::parse()
  dkim::Signature signature;  // ARC-Message-Signature; RFC 8617 4.1.2
  Seal seal;
};

struct Chain {
  std::vector<Set> sets;      // instance 1 first; empty where there is a fault
  std::string fault;          // why it can't be a chain, for people; empty: none
  std::size_t highest = 0;    // the greatest instance that any field has, 1 to kMaxSets; 0: no field has one
  bool ends_in_fail = false;  // a seal of that instance says cv=fail, so nobody adds to it
  bool exists = false;        // there is a field of ARC's
};

// Pure; any thread.
Chain read_chain(const dkim::HeaderIndex& header);

}  // namespace postrider::wire::arc
