// What a failure report is to say of a message that was judged. RFC 9991, RFC 6591
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "policy/judged.hpp"
#include "wire/dmarc_report/failure.hpp"

namespace postrider::reports {

// Which of the failures that fo asks for it is. RFC 9989 4.7; RFC 9991 2, 4
enum class Failed : std::uint8_t {
  dmarc,  // "0": no mechanism gives an aligned pass; "1": one does not
  dkim,   // "d": a signature fails, aligned or not
  spf,    // "s": SPF fails, aligned or not
};

// One of a message, the first of these that is asked for. Nothing where nobody asks (no ruf, or another fo), where the record is that
// of a public suffix (RFC 9991 2), where the DNS left DMARC open, and of all that is a report itself: or reports would be
// answered by reports, for ever. Pure.
std::optional<Failed> reportable(const policy::Judged& message);

struct Incident {
  std::string policy_domain;                 // where the record stands: lower case
  wire::dmarc_report::FailureReport report;  // with the header, and nothing that names a recipient but that
};
// Requires that it is reportable so. Copies at most 64 KiB of header, and some more. Pure.
Incident incident_of(const policy::Judged& message, Failed failed);

}  // namespace postrider::reports
