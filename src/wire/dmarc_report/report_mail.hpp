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

// What is to be sent.
struct Outgoing {
  std::string submitter;  // who reports: a domain name
  std::string from_name;  // for people: the organization
  std::string from, to;   // addresses as SMTP writes them
  std::string id;         // of this message: letters and digits
  base::UtcTime date{};
  const Feedback& feedback;
};

// "mx.example.com!example.org!1664496000!1664582399.xml.gz". RFC 9990 3.5.2
std::string report_filename(std::string_view submitter, const Feedback& feedback);

// CRLF line ends, 7bit. `packed` is the gzip of the feedback's XML.
std::string write_report_mail(const Outgoing& outgoing, std::string_view packed);

}  // namespace postrider::wire::dmarc_report
