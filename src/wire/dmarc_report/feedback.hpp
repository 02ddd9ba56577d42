// DMARC aggregate reports: what a receiver saw of mail in a domain's name. RFC 9990, and RFC 7489 Appendix C as it is sent. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/dmarc/record.hpp"

namespace postrider::wire::dmarc_report {

// Bounds of what is read. Longer values are cut behind a whole character, what is more is left out; where it says "refused",
// the report as a whole is.
inline constexpr std::size_t kMostXml = 32u << 20;   // octets; refused
inline constexpr std::size_t kMostRecords = 50'000;  // refused
inline constexpr std::size_t kMostDepth = 16;        // elements within each other; refused
inline constexpr std::size_t kMostToken =
    64u << 10;                                   // octets of a tag with its attributes, of a comment; refused
inline constexpr std::size_t kMostName = 255;    // octets of a domain, an address, a selector, an id
inline constexpr std::size_t kMostText = 1000;   // octets of text for people
inline constexpr std::size_t kMostReasons = 10;  // of a record
inline constexpr std::size_t kMostSignatures = 100;  // of a record. RFC 9990 3.1.3
inline constexpr std::size_t kMostSpf = 4;           // of a record: RFC 9990 has one, RFC 7489 two
inline constexpr std::uint64_t kMostMessages = 1'000'000'000'000;  // of a record; refused

// What was done with messages: `pass` is what RFC 9990 calls no action, since they passed.
enum class Disposition : std::uint8_t { none, pass, quarantine, reject };
std::string_view to_string(Disposition disposition);

struct Reason {
  std::string type;     // "local_policy", "mailing_list", ...; as written, lower case
  std::string comment;  // may be empty
  bool operator==(const Reason&) const = default;
};

// All text is UTF-8 without control characters; of results lower case.
struct DkimResult {
  std::string domain, selector, result, human_result;
  bool operator==(const DkimResult&) const = default;
};
struct SpfResult {
  std::string domain, scope, result, human_result;
  bool operator==(const SpfResult&) const = default;
};

// Messages that had all of this in common. RFC 9990 3.1.1
struct Record {
  base::IpAddress source;
  std::uint64_t count = 0;
  Disposition disposition = Disposition::none;
  bool dkim_aligned = false, spf_aligned = false;  // with a pass; neither: DMARC failed
  std::vector<Reason> reasons;
  std::string header_from;                   // the domain in From; lower case
  std::optional<std::string> envelope_from;  // empty: the null sender
  std::string envelope_to;                   // may be empty
  std::vector<DkimResult> dkim;
  std::vector<SpfResult> spf;
  bool operator==(const Record&) const = default;
};

enum class Discovery : std::uint8_t { unknown, psl, treewalk };

// The policy as the receiver found it.
struct Published {
  std::string domain;  // where the record stands; lower case
  dmarc::Policy policy = dmarc::Policy::none;
  std::optional<dmarc::Policy> subdomain, missing;  // sp, np
  std::optional<dmarc::Alignment> dkim, spf;        // adkim, aspf
  std::string fo;                                   // as written
  bool testing = false;
  Discovery discovery = Discovery::unknown;
  bool operator==(const Published&) const = default;
};

struct Feedback {
  std::string version;  // "1.0"; empty: not said
  std::string org_name, email, extra_contact_info, report_id, error, generator;
  std::chrono::sys_seconds begin{}, end{};
  Published published;
  std::vector<Record> records;  // at least one
  bool operator==(const Feedback&) const = default;
};

// Reads XML in pieces of any size. There are no entities but those of XML itself: a document type declaration is refused, so
// that nothing can be expanded and nothing be fetched. Encodings: UTF-8, UTF-16, and charsets of one octet (wire/mime/charset).
// Elements of other namespaces than the root's, and such as have no meaning here, are passed over.
class FeedbackReader {
 public:
  FeedbackReader();
  ~FeedbackReader();
  FeedbackReader(const FeedbackReader&) = delete;
  FeedbackReader& operator=(const FeedbackReader&) = delete;

  // False: it is refused, and no more is wanted.
  bool feed(std::string_view piece);
  // Once, after the last piece. Failure: permanent 5.6.0; its text says, for people, what is wrong.
  base::Result<Feedback> finish();

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

base::Result<Feedback> read_feedback(std::string_view xml);

// As RFC 9990 Appendix A has it, with its namespace. What can't stand in XML is replaced.
std::string write_feedback(const Feedback& feedback);

}  // namespace postrider::wire::dmarc_report
