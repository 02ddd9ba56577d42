// The reports' database, data_dir/reports/reports.db: what is to be reported to others, and what others reported to us.
// SQLite (WAL, synchronous=FULL, mode 0600). Several processes use it at once: the server, and whoever runs `postrider dmarc`.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/sqlite.hpp"
#include "wire/dmarc_report/report_mail.hpp"

namespace postrider::reports {

using Day = std::chrono::sys_days;  // in UTC. RFC 9990 3.1.1: a report is of one

// Messages that were judged here.
struct Seen {
  Day day;
  wire::dmarc_report::Published published;  // its domain is whom the report goes to
  wire::dmarc_report::Record record;        // with its count
};

// Stored as their number: never renumber.
enum class ReportState : std::uint8_t {
  open = 0,      // to be sent when its day is over
  sent = 1,      // to one destination at least: the queue has it
  unwanted = 2,  // nobody who may have it asks for it
  given_up = 3,  // the DNS did not say to whom, again and again
};
std::string_view to_string(ReportState state);

// A report of ours about one domain and day.
struct OutgoingReport {
  Day day;
  std::string domain;
  ReportState state = ReportState::open;
  std::uint64_t rows = 0, messages = 0;
  std::uint64_t left_out = 0;  // messages for which there was no place
  std::uint32_t attempts = 0;
  base::UtcTime due{};  // not before
  std::string note{};   // what became of it, for people
};

// What is known of who sent us a report: anybody can write one in anybody's name. Stored as their number: never renumber.
enum class Proof : std::uint8_t {
  unknown = 0,   // it came before this was noted
  passed = 1,    // its mail passed DMARC
  unproven = 2,  // it did not, or was not checked
  imported = 3,  // an operator put it in
};
std::string_view to_string(Proof proof);
struct Origin {
  Proof proof = Proof::unknown;
  std::string author{};  // the domain that passed
};

// What sources did in a domain's name, by reports of others.
struct Sender {
  std::string source, header_from;
  std::uint64_t messages = 0, passed = 0, dkim = 0, spf = 0, quarantined = 0, rejected = 0;
  std::uint64_t reporters = 0;
  std::uint64_t unproven = 0;  // of the messages, those that only an unproven report speaks of
};
struct StoredReport {
  std::string domain, org, email, report_id;
  base::UtcTime first{}, last{}, received{};
  std::uint64_t records = 0, messages = 0, passed = 0;
  Origin origin{};
};
struct StoredFailure {
  base::UtcTime received{};
  std::string domain, source, what, reporter, mail_from, results;
};

struct Wanted {
  std::optional<std::string> domain;  // and those below it
  base::UtcTime since{};              // reports that end later
  std::size_t limit = 1000;
};

// One thread at a time. All calls block: for a disk, and at most 5 s for another process that writes. What fails is a
// temporary Failure (a damaged file, one of another kind or of a newer format: permanent).
class ReportStore {
 public:
  // Of one domain and day; what is beyond is only counted.
  static constexpr std::uint64_t kMostRows = 10'000;
  // Of one day; mail in the name of others is not counted.
  static constexpr std::uint64_t kMostDomains = 20'000;
  // Rows of a day go when its report has had its end, and at the latest so long after it.
  static constexpr std::chrono::days kKeepSeen{5};
  // Of all reports that were received; the oldest go.
  static constexpr std::int64_t kMostRecords = 5'000'000;
  static constexpr std::int64_t kMostFailures = 100'000;

  // In `folder`, which is made (mode 0700) where it is missing, as is the file.
  static base::Result<std::unique_ptr<ReportStore>> open(const std::filesystem::path& folder);
  static std::filesystem::path folder_in(const std::filesystem::path& data_dir) {
    return data_dir / "reports";
  }
  static std::filesystem::path file_in(const std::filesystem::path& folder) { return folder / "reports.db"; }

  // A consistent copy of what is in `folder` into a file that must not exist, mode 0600; others may write meanwhile.
  // False: there is none.
  static base::Result<bool> copy(const std::filesystem::path& folder, const std::filesystem::path& to);

  // One transaction, synced when it returns. Equal rows of a domain and day become one; the newest policy counts.
  base::Result<void> add(const std::vector<Seen>& seen);

  // Whose day is over and which are due, the oldest first; at most `limit`. Without their number of messages.
  base::Result<std::vector<OutgoingReport>> due(base::UtcTime now, std::size_t limit);
  base::Result<std::vector<OutgoingReport>> outgoing(const Wanted& wanted);
  struct Content {
    wire::dmarc_report::Published published;
    std::vector<wire::dmarc_report::Record> records;
  };
  base::Result<Content> content(Day day, const std::string& domain);
  // What became of it. Its rows go, unless it stays open.
  base::Result<void> settle(const OutgoingReport& report);

  // False: it was here already (the same domain, reporter, id and beginning). One that is unproven makes room for one that is
  // not, so that a forged report can't keep out the true one. All of it or nothing.
  base::Result<bool> add(const wire::dmarc_report::Feedback& feedback, base::UtcTime received,
                         const Origin& origin);
  base::Result<void> add(const wire::dmarc_report::FailureReport& failure, base::UtcTime received);

  base::Result<std::vector<Sender>> senders(const Wanted& wanted);
  base::Result<std::vector<StoredReport>> reports(const Wanted& wanted);
  base::Result<std::vector<StoredFailure>> failures(const Wanted& wanted);

  struct FailureBounds {
    std::uint32_t of_domain, of_all;
  };
  // Counts one more failure report of this day, synced; false, and nothing is counted, where that would be too many.
  base::Result<bool> take_failure_place(Day day, const std::string& domain, FailureBounds most);

  // What is older than `keep`, and what no bound has place for.
  base::Result<void> forget(base::UtcTime now, base::Milliseconds keep);

 private:
  ReportStore(std::filesystem::path file, std::unique_ptr<store::Database> database)
      : file_(std::move(file)), database_(std::move(database)) {}
  template <class Work>
  auto guard(Work&& work) -> decltype(work());
  void add_row(const Seen& seen);
  bool has_day(const Seen& seen, const std::string& policy);
  std::vector<OutgoingReport> read_outgoing(store::Rows rows);

  std::filesystem::path file_;
  std::unique_ptr<store::Database> database_;
};

}  // namespace postrider::reports
