// To whom reports about a domain go: what its DMARC record says now, and who agrees to it. RFC 9990 3.5, 4; RFC 9991 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.hpp"
#include "policy/lookups.hpp"

namespace postrider::reports {

// Where they go is what the record's tag says: rua, ruf.
enum class ReportKind : std::uint8_t { aggregate, failure };

// One URI of a list: mailto:reports@example.com!10m.
struct ReportUri {
  mail::Address address;
  // What the owner takes, in octets. RFC 9989 4.8 has made that obsolete and lets it be ignored; who wrote it would refuse a
  // larger message, so it is kept to.
  std::optional<std::uint64_t> most;
  bool operator==(const ReportUri&) const = default;
};

// Of the first such tag of a record, in its order, each address once, at most kMostUris. What is no mailto: or has no address
// that mail can go to is left out. RFC 9990 3.5
inline constexpr std::size_t kMostUris = 10;
std::vector<ReportUri> report_uris(std::string_view record, ReportKind kind);

struct Destinations {
  std::vector<ReportUri> uris;  // that may have the report
  std::vector<std::string>
      refused;          // "reports@third.example: example.com._report._dmarc.third.example: nxdomain"
  std::string trouble;  // why it can't be known now; empty: it is known
};

// Used as policy's checks are. One thread at a time.
class DestinationCheck {
 public:
  // Where the policy record stands: A-labels, lower case.
  DestinationCheck(std::string domain, ReportKind kind) : domain_(std::move(domain)), kind_(kind) {}
  bool go_on(policy::Lookups& lookups);
  // Complete when go_on() has said true.
  const Destinations& found() const { return found_; }

 private:
  enum class Step : std::uint8_t { done, pending };
  Step judge(const ReportUri& uri, policy::Lookups& lookups, Destinations& found) const;
  Step confirm(const ReportUri& uri, const std::string& host, policy::Lookups& lookups,
               Destinations& found) const;

  std::string domain_;
  ReportKind kind_;
  Destinations found_;
};

}  // namespace postrider::reports
