// DMARC Policy Records: "v=DMARC1; p=reject; rua=mailto:dmarc@example.com". RFC 9989 4.7, 4.8. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::wire::dmarc {

enum class Policy : std::uint8_t { none, quarantine, reject };  // from mild to strict
std::string_view to_string(Policy policy);

enum class Alignment : std::uint8_t { relaxed, strict };

enum class Psd : std::uint8_t {
  unknown,  // "u": not a public suffix; the organizational domain is found by the tree walk
  yes,      // a public suffix
  no,       // the organizational domain of itself and of what is below
};

// When a failure report is wanted. RFC 9989 4.7, fo
struct FailureOptions {
  bool all = true;    // "0": no mechanism gives an aligned pass
  bool any = false;   // "1": one does not
  bool dkim = false;  // "d": a signature failed
  bool spf = false;   // "s": SPF failed
  bool operator==(const FailureOptions&) const = default;
};

struct Record {
  static constexpr std::size_t kMostUris = 20;  // of a list; the others are left out

  Policy policy = Policy::none;     // p: of the domain itself, and of those below without another
  std::optional<Policy> subdomain;  // sp: of those below that exist
  std::optional<Policy> missing;    // np: of those below that don't
  Alignment dkim = Alignment::relaxed, spf = Alignment::relaxed;  // adkim, aspf
  Psd psd = Psd::unknown;
  bool testing = false;          // t=y: a policy is to be applied one level milder
  std::vector<std::string> rua;  // well-formed URIs, without the obsolete size limit behind "!"
  std::vector<std::string> ruf;  // likewise
  FailureOptions failure;        // without meaning where ruf is empty
  // p is missing or wrong, or sp or np is wrong. With a URI in rua the record then means "p=none", and the policies above
  // say so; without one, DMARC is not applied. RFC 9989 4.10.1
  bool broken_policy = false;
  bool applies() const { return !broken_policy || !rua.empty(); }

  bool operator==(const Record&) const = default;
};

// Nothing where it is no DMARC record: the first tag must be v, with the value "DMARC1" in just this case. All that is
// wrong behind it has its default value, unknown tags (pct, rf and ri among them) are ignored, and of a tag that stands
// there twice the first counts. RFC 9989 4.7, 4.8
std::optional<Record> parse_record(std::string_view txt);

}  // namespace postrider::wire::dmarc
