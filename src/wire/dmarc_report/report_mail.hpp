// Reports as mail: found in what others send, and written to be sent. RFC 9990 3.5.2. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/dmarc_report/failure.hpp"
#include "wire/dmarc_report/feedback.hpp"

namespace postrider::wire::dmarc_report {

// Octets of a message, or of a file, that is looked into.
inline constexpr std::size_t kMostMessage = 32u << 20;
inline constexpr std::size_t kMostAttachments = 10;  // with reports, of a message; refused

// All of a message. Their records together are kMostRecords at most.
struct Reports {
  std::vector<Feedback> aggregate;
  std::optional<FailureReport> failure;
};

// Failure: permanent 5.6.0, with what is wrong for people: there is no report in it, or one of those that are can't be read.
base::Result<Reports> read_report_mail(std::string_view message);

// The same of a file: XML, gzip or zip with it, or a message.
base::Result<Reports> read_report_file(std::string_view content);

// By the header section: an aggregate report (by its subject, RFC 9990 3.5.2) or a failure report (RFC 5965 2).
bool is_report(std::string_view header);

// Whether it is a report of any kind, a delivery status among them. RFC 6522 3
bool is_multipart_report(std::string_view header);

// A report of ours as mail, but for what it says.
struct Letter {
  std::string submitter;  // who reports: a domain name
  std::string from_name;  // for people: the organization
  std::string from, to;   // addresses as SMTP writes them
  std::string id;         // of this message: letters and digits
  base::UtcTime date{};
};

// "mx.example.com!example.org!1664496000!1664582399.xml.gz". RFC 9990 3.5.2
std::string report_filename(std::string_view submitter, const Feedback& feedback);

// CRLF line ends, 7bit. `packed` is the gzip of the feedback's XML.
std::string write_report_mail(const Letter& letter, const Feedback& feedback, std::string_view packed);

// The same of a failure report: for people, for programs, and the header of the message that it is about, never its body
// (text/rfc822-headers; of its lines 998 octets each, of the whole 64 KiB). RFC 6591 3.1, RFC 9991 4. What is empty is left out.
// Of all but the header only ASCII is written: other characters become "?".
std::string write_failure_mail(const Letter& letter, const FailureReport& report);

// The fields of both, up to MIME-Version. `subject`: ASCII, folded where it is long.
std::string write_letter_head(const Letter& letter, std::string_view subject);

}  // namespace postrider::wire::dmarc_report
