// The hashes of a body that the signatures of a message ask for, taken while it streams by. RFC 6376 3.7
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "wire/dkim/per_canonicalization.hpp"
#include "wire/dkim/sha256.hpp"

namespace postrider::wire::dkim {

struct BodyForm {
  Canonicalization canonicalization = Canonicalization::simple;
  std::optional<std::uint64_t> length;  // l=: so many octets of the canonical body; without it, all of them
  bool operator==(const BodyForm&) const = default;
};

struct BodyHash {
  Digest digest{};
  bool whole = true;                  // the body has as many octets as l= says
  std::uint64_t unsigned_octets = 0;  // of the canonical body, behind what l= says
};

// One for a message, shared by whoever verifies and signs it. Each canonicalization runs once and is hashed once, however
// many lengths are wanted of it. Memory: about 5 KiB for each of the two. Used by one thread at a time.
class BodyHasher {
 public:
  BodyHasher();
  ~BodyHasher();
  BodyHasher(BodyHasher&&) noexcept;
  BodyHasher& operator=(BodyHasher&&) noexcept;

  // Before the first feed(). The same form gives the same number.
  std::size_t want(const BodyForm& form);
  // Nothing is wanted: feed() and finish() need not be called.
  bool idle() const { return forms_.empty(); }

  // Octets of the body, which begins behind the blank line; in pieces of any size.
  void feed(std::string_view piece);
  // Once, after the last piece.
  void finish();
  // After finish(). `number` is one of want()'s.
  const BodyHash& hash(std::size_t number) const { return hashes_[number]; }

 private:
  class Stream;
  std::vector<BodyForm> forms_;
  std::vector<BodyHash> hashes_;
  PerCanonicalization<Stream> streams_;
};

}  // namespace postrider::wire::dkim
