// SPF: may this host send in the name of this domain? RFC 7208.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "mail/domain.hpp"
#include "mail/path.hpp"
#include "policy/lookups.hpp"
#include "wire/spf/record.hpp"

namespace postrider::policy {

enum class SpfResult : std::uint8_t {
  none,
  neutral,
  pass,
  fail,
  softfail,
  temperror,
  permerror
};  // RFC 7208 2.6
std::string_view to_string(SpfResult result);  // as Authentication-Results writes it. RFC 8601 2.7.2

struct SpfRequest {
  base::IpAddress client;
  std::string helo;      // as the client said it: any octets
  std::string local;     // of the sender; empty: "postmaster". RFC 7208 4.3
  std::string domain;    // that is asked for: any octets, U-labels too
  std::string receiver;  // our own name, for explanations
  base::UtcTime now;     // likewise
};

// What was wrong with a record, or with the DNS; for code that tells people what to do about it.
enum class SpfFault : std::uint8_t {
  none,
  not_a_domain,        // what was to be asked for can have no record
  no_record,           // at the domain itself, or where an include or redirect leads
  several_records,     // at one name
  too_long,            // the record
  syntax,              // of the record
  bad_target,          // an include or redirect leads to no domain
  too_many_terms,      // more than 10 that ask the DNS
  too_many_voids,      // more than 2 that asked in vain
  too_many_exchanges,  // of a term mx
  dns,                 // no answer
};

// A record that was read, or a term that was tried; in their order. Terms ip4 and ip6 only where they match.
struct SpfStep {
  unsigned depth = 0;   // of includes; the first record's is 0
  std::string domain;   // whose record it is
  std::string text;     // of a record or a term; printable ASCII, cut at 2,000 characters
  std::string outcome;  // "record", "match", "no match", or what went wrong; one line
};

struct SpfFinding {
  SpfResult result = SpfResult::none;
  std::string domain;     // that was asked for, in A-labels where it has such
  std::string mechanism;  // of that domain's record (or its redirect's), which decided; empty: none matched
  std::string reason;     // for people, one line; never empty
  SpfFault fault = SpfFault::none;
  std::string faulty;  // the domain whose record has the fault, or that the DNS says nothing of
  std::string
      explanation;  // of a fail, by the domain's owner: printable ASCII, at most 500 octets. RFC 7208 6.2
  std::vector<SpfStep> trace;  // at most 50
};

// check_host(), RFC 7208 4. One thread at a time. Its bounds: 10 terms that ask the DNS, 2 of them in vain, 10 exchanges
// of a term, 10 names of the client (RFC 7208 4.6.4). The time is the caller's, who answers what comes too late
// with `timeout`.
class SpfCheck {
 public:
  explicit SpfCheck(SpfRequest request);
  // The identity of HELO. RFC 7208 2.3
  static SpfCheck of_helo(base::IpAddress client, std::string helo, const mail::Domain& receiver,
                          base::UtcTime now);
  // The identity of MAIL FROM; of the null sender it is postmaster@helo. RFC 7208 2.4
  static SpfCheck of_mail_from(base::IpAddress client, std::string helo, const mail::ReversePath& sender,
                               const mail::Domain& receiver, base::UtcTime now);

  bool go_on(Lookups& lookups);
  // Complete when go_on() has said true.
  const SpfFinding& finding() const { return finding_; }
  // It holds for this sender at this time only; else for every sender of the domain, as long as the answers do.
  bool is_personal() const { return is_personal_; }

 private:
  // A domain whose record is evaluated; all but the last wait for an include.
  struct Frame {
    std::string domain;
    bool top = false;  // whose missing record is no error
    std::optional<wire::spf::Record> record{};
    std::size_t next = 0;  // the mechanism that is tried
    bool counted = false;  // it, as one of the 10
  };
  enum class Match : std::uint8_t { no, yes, pending, left };
  // Nothing: not known yet. Empty: no name that can be asked for.
  using Name = std::optional<std::string>;

  bool read_record(Lookups& lookups);
  bool try_mechanism(Lookups& lookups);
  bool take_redirect(Lookups& lookups);
  bool explain(Lookups& lookups);
  Name explanation(Lookups& lookups);

  Match match(const wire::spf::Mechanism& mechanism, Lookups& lookups);
  Match enter(std::string name);
  Match match_a(const wire::spf::Mechanism& mechanism, const std::string& name, Lookups& lookups);
  Match match_mx(const wire::spf::Mechanism& mechanism, const std::string& name, Lookups& lookups);
  Match match_ptr(const std::string& name, Lookups& lookups);
  Match match_exists(const std::string& name, Lookups& lookups);
  bool is_near(const AddressAnswer& answer, const wire::spf::Mechanism& mechanism) const;

  Name target(const wire::spf::Mechanism& mechanism, Lookups& lookups);
  Name expand(const wire::spf::MacroString& spec, Lookups& lookups);
  Name validated_name(Lookups& lookups) const;
  wire::spf::MacroValues values(std::string_view validated) const;
  void look_for_sender(const wire::spf::MacroString& text);

  bool count_term();
  Match no_answer(sys::dns::Error error, const std::string& name);
  void matched();
  void not_matched();
  void leave(SpfResult result);
  void end(SpfResult result, SpfFault fault, std::string_view where, std::string_view reason);
  void because(std::string_view reason);
  void note(std::string_view text, std::string outcome);

  SpfRequest request_;
  SpfFinding finding_;
  std::vector<Frame> frames_;  // at most 11
  unsigned terms_ = 0, voids_ = 0;
  bool explaining_ = false, done_ = false, is_personal_ = false;
};

}  // namespace postrider::policy
