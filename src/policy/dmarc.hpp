// DMARC: has the domain that stands in From a hand in this message, and what is to be done if not? RFC 9989.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/lookups.hpp"
#include "wire/dmarc/record.hpp"

namespace postrider::policy {

enum class DmarcResult : std::uint8_t { none, pass, fail, temperror, permerror };  // RFC 9989 9.2
std::string_view to_string(DmarcResult result);  // as Authentication-Results writes it

// What SPF and DKIM have vouched for. Domains in A-labels, in any case. RFC 9989 3.2.1
struct DmarcIdentifiers {
  std::optional<std::string> spf;  // of MAIL FROM (of HELO with the null sender), where the result is pass
  std::vector<std::string> dkim;   // d= of signatures that pass; those behind the tenth domain don't count
};

// A name that was asked for.
struct DmarcStep {
  std::string name;     // "_dmarc.example.com"
  std::string outcome;  // the record, or why there is none; printable ASCII, at most 2,000 characters
};

struct DmarcFinding {
  DmarcResult result = DmarcResult::none;
  std::string author;         // the domain in From; empty where there is none that can be judged
  std::string policy_domain;  // where the record stands; empty: nowhere
  std::string organization;   // organizational domain of the author; empty where it was not needed
  std::optional<wire::dmarc::Record> record;
  // What the owner wants done with mail that fails, and the tag that says so: "p", "sp" or "np". Empty without a record.
  wire::dmarc::Policy policy = wire::dmarc::Policy::none;
  std::string_view policy_tag;  // lives for ever
  // What the owner wants done with this message: none unless it failed; one level milder with t=y. RFC 9989 4.7
  wire::dmarc::Policy disposition = wire::dmarc::Policy::none;
  std::string spf_aligned, dkim_aligned;  // the identifier that is aligned; empty: none
  std::string reason;                     // for people, one line; never empty
  std::vector<DmarcStep> trace;           // each name once
};

// One thread at a time. It begins with the author's record before SPF and DKIM are through. A question without an answer
// (for a time, or for good) is temperror, unless what is known is enough for a pass.
class DmarcCheck {
 public:
  static constexpr std::size_t kMostAuthors = 4;
  static constexpr std::size_t kMostIdentifiers = 10;

  // The domains of the addresses in From, in A-labels or UTF-8. Without a domain it is permerror. Of several domains each
  // is judged, and the worst finding counts: fail before temperror, permerror, none and pass, and among fails the
  // strictest disposition; more than kMostAuthors are permerror. RFC 9989 5.3.1, 11.5
  explicit DmarcCheck(const std::vector<std::string>& authors);
  ~DmarcCheck();

  // Once; without it go_on() never says true, but of what needs no identifiers.
  void identify(DmarcIdentifiers identifiers);
  bool go_on(Lookups& lookups);
  // Complete when go_on() has said true.
  const DmarcFinding& finding() const { return finding_; }

 private:
  class Judge;
  std::vector<std::unique_ptr<Judge>> judges_;  // one for each author
  std::optional<DmarcIdentifiers> identifiers_;
  DmarcFinding finding_;
  bool done_ = false;
};

}  // namespace postrider::policy
