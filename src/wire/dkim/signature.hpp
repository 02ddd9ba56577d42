// The DKIM-Signature header field, RFC 6376 3.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/domain.hpp"
#include "wire/dkim/canonicalization.hpp"
#include "wire/dkim/tag_list.hpp"

namespace postrider::wire::dkim {

inline constexpr std::size_t kMaxSignedFields = 500;

// rsa_sha1 is read so that it can be named; it never verifies. RFC 8301 3.1
enum class Algorithm : std::uint8_t { rsa_sha1, rsa_sha256, ed25519_sha256 };
std::string_view to_string(Algorithm algorithm);
// In any case.
std::optional<Algorithm> parse_algorithm(std::string_view name);

// RFC 8601 2.7.1
enum class Result : std::uint8_t { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(Result result);

// What kept a signature from passing; for code that tells people what to do about it.
enum class Fault : std::uint8_t {
  none,
  malformed,       // the field can't be read
  from_unsigned,   // h= is without From
  old_algorithm,   // rsa-sha1
  expired,         // x= is past
  no_answer,       // the DNS did not say whether there is a key
  no_key,          // nothing is at the selector's name, or nothing that is a key
  several_keys,    // at one selector
  malformed_key,   // a record that can't be read
  revoked_key,     // p= is empty
  unfit_key,       // of another type, or for another use
  weak_key,        // too short
  identity,        // i= is a subdomain, which t=s forbids
  body_short,      // shorter than l= says
  body_changed,    // bh= is another
  header_changed,  // b= is another
  partial,         // l= leaves some of the body unsigned: no fault of judge(), but a reason not to count it
};

// Why a signature is not even tried. What is left of its field, for reports.
struct Unusable {
  Result result = Result::neutral;
  std::string why;                                // for people
  std::string domain, selector, signature_start;  // printable ASCII; empty where they can't be read
  Fault fault = Fault::malformed;
};

struct Signature {
  Algorithm algorithm = Algorithm::rsa_sha256;
  Canonicalization header = Canonicalization::simple;
  Canonicalization body = Canonicalization::simple;
  mail::Domain domain;                     // d=, the signing domain
  std::string selector;                    // s=, A-labels in lower case
  std::string local;                       // i=, what stands before the "@", decoded; mostly empty
  mail::Domain identity;                   // i=, behind the "@"; `domain` or within it
  std::vector<std::string> fields;         // h=, in its order; a name may come more than once
  std::string body_hash;                   // bh=, decoded
  std::string signature;                   // b=, decoded
  std::string signature_start;             // the first 8 characters of b=. RFC 6008 4
  std::optional<std::uint64_t> length;     // l=
  std::optional<std::uint64_t> signed_at;  // t=, seconds since 1970; what is too large is the largest number
  std::optional<std::uint64_t> expires;    // x=, likewise, and greater than t=

  // Where its key is: "selector._domainkey.example.com". RFC 6376 3.6.2.1
  std::string key_name() const { return selector + "._domainkey." + domain.ascii(); }
};

// `value`: the field behind its colon, with its folds.
std::expected<Signature, Unusable> parse_signature(std::string_view value);

// What DKIM-Signature and ARC-Message-Signature have in common: all but v= and i=. The error is for people, as in all below.
std::expected<Signature, std::string> read_signature(const TagList& tags);

// And with ARC-Seal.
struct CommonTags {
  Algorithm algorithm = Algorithm::rsa_sha256;
  mail::Domain domain;
  std::string selector;
  std::string signature;
  std::string signature_start;
};
std::expected<CommonTags, std::string> read_common(const TagList& tags);
// "relaxed/simple", "relaxed"; header and body. RFC 6376 3.5
struct CanonicalizationPair {
  Canonicalization header = Canonicalization::simple;
  Canonicalization body = Canonicalization::simple;
};
std::optional<CanonicalizationPair> parse_canonicalization(std::string_view value);
// Names that are empty are passed over.
std::expected<std::vector<std::string>, std::string> parse_signed_fields(std::string_view value);
// A name below a domain, as selectors are; UTF-8 becomes A-labels (RFC 8616 5). Underscores are taken, since many have them.
std::optional<std::string> parse_selector(std::string_view value);

}  // namespace postrider::wire::dkim
