// Whether a body that is not as it was signed begins as it was: then something was appended, a mailing list's footer as a rule.
// Only for who wants to know why a signature failed: a verifier asks BodyHasher alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/dkim/per_canonicalization.hpp"

namespace postrider::wire::dkim {

// Used as BodyHasher is. Each line end costs a hash of its own, so that only the first kMostLines are looked at.
class BodyPrefix {
 public:
  static constexpr std::size_t kMostLines = 100'000;

  BodyPrefix();
  ~BodyPrefix();
  BodyPrefix(const BodyPrefix&) = delete;
  BodyPrefix& operator=(const BodyPrefix&) = delete;

  // Before the first feed(). `body_hash`: of a bh=, decoded. Gives its number.
  std::size_t want(Canonicalization canonicalization, std::string body_hash);
  void feed(std::string_view piece);
  void finish();

  // In canonical octets.
  struct Found {
    std::uint64_t signed_octets = 0;
    std::uint64_t appended_octets = 0;
  };
  // After finish(). Nothing where the body is whole, or no line's end is where it ended when it was signed.
  std::optional<Found> found(std::size_t number) const { return found_[number]; }

 private:
  class Stream;
  std::vector<std::optional<Found>> found_;
  PerCanonicalization<Stream> streams_;
};

}  // namespace postrider::wire::dkim
