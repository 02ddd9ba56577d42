#include "reports/sender.hpp"

#include <fmt/format.h>

#include <utility>

#include "reports/counts.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"
#include "wire/dmarc_report/archive.hpp"
#include "wire/dmarc_report/report_mail.hpp"

namespace postrider::reports {
namespace {

using wire::dmarc_report::Feedback;

constexpr base::Milliseconds kSettled = std::chrono::minutes(10);
constexpr base::Milliseconds kSpread = std::chrono::hours(4);

// The same for each attempt, so that who gets it twice can tell. RFC 9990 3.5.1
std::string report_id(const Feedback& feedback, const config::Config& config) {
  return fmt::format("{}-{}@{}", feedback.begin.time_since_epoch().count(), feedback.published.domain,
                     config.hostname.ascii());
}

Feedback feedback_of(Day day, ReportStore::Content content, const config::Config& config) {
  Feedback out;
  out.org_name = organization_of(config);
  out.email = config.dmarc_reports.contact->to_string();
  out.generator = "Postrider " POSTRIDER_VERSION;
  out.begin = day;
  out.end = day + std::chrono::days(1) - std::chrono::seconds(1);
  out.published = std::move(content.published);
  out.records = std::move(content.records);
  out.report_id = report_id(out, config);
  return out;
}

}  // namespace

base::Milliseconds delay_after_day(std::string_view domain, std::string_view hostname) {
  // FNV-1a
  std::uint64_t hash = 14695981039346656037u;
  for (const std::string_view text : {domain, std::string_view(" "), hostname})
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return kSettled + base::Milliseconds(hash % static_cast<std::uint64_t>(kSpread.count()));
}

ReportSender::ReportSender(SenderParts parts) : parts_(std::move(parts)) {}

ReportSender::~ReportSender() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ReportSender::start() {
  thread_ = std::thread([this] { run(); });
}

void ReportSender::run() {
  sys::name_this_thread("report-sender");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look();
    lock.lock();
    changed_.wait_for(lock, kLook, [this] { return stopping_; });
  }
}

void ReportSender::look() {
  const auto config = parts_.config();
  const base::UtcTime now = parts_.clock.utc();
  if (auto forgotten = parts_.store->forget(now, config->dmarc_reports.keep); !forgotten)
    sys::log::error("dmarc_reports", {{"why", forgotten.error().log_text()}});
  if (!config->dmarc_reports.send || !config->dmarc_reports.contact) return;
  auto due = parts_.store->due(now, ReportStore::kMostDomains);
  if (!due) return sys::log::error("dmarc_reports", {{"why", due.error().log_text()}});
  for (OutgoingReport& report : *due) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const base::UtcTime end = report.day + std::chrono::days(1);
    if (now < end + delay_after_day(report.domain, config->hostname.ascii())) continue;
    attempt(std::move(report), *config);
  }
}

void ReportSender::settle(OutgoingReport report, ReportState state, std::string note) {
  report.state = state;
  report.note = std::move(note);
  if (auto settled = parts_.store->settle(report); !settled)
    sys::log::error("dmarc_reports", {{"why", settled.error().log_text()}});
}

void ReportSender::put_off(OutgoingReport report, const std::string& why) {
  const bool given_up = ++report.attempts >= kMostAttempts;
  counts::outgoing.count(given_up ? counts::Outgoing::given_up : counts::Outgoing::put_off);
  sys::log::warning("dmarc_report_put_off", {{"domain", report.domain}, {"why", why}});
  report.due = parts_.clock.utc() + kRetry;
  settle(std::move(report), given_up ? ReportState::given_up : ReportState::open, why);
}

base::Result<std::string> ReportSender::send(const Feedback& feedback, const Destinations& to,
                                             const config::Config& config, std::size_t& sent) {
  const std::string packed = wire::dmarc_report::gzip(write_feedback(feedback));
  std::vector<std::string> notes;
  for (const ReportUri& uri : to.uris) {
    const std::string address = uri.address.to_string();
    // Base64 and its line ends make four octets of three, and some more.
    const std::uint64_t size = packed.size() / 3 * 4 + packed.size() / 57 * 2 + 2048;
    if (uri.most && size > *uri.most) {
      counts::outgoing.count(counts::Outgoing::too_large);
      notes.push_back(address + ": takes " + std::to_string(*uri.most) + " octets, and it would have " +
                      std::to_string(size));
      continue;
    }
    const auto text = [&](base::MessageId id) {
      return write_report_mail(letter_to(uri.address, config, id, parts_.clock.utc()), feedback, packed);
    };
    // Not the null sender: SPF then vouches for the domain in From, as RFC 9990 3.5.2 asks for.
    auto id = parts_.accept(report_envelope(mail::ReversePath(*config.dmarc_reports.contact), uri.address),
                            text, "DMARC report about " + feedback.published.domain);
    if (!id) return std::unexpected(std::move(id.error()));
    ++sent;
    notes.push_back(address + " as " + id->to_string());
  }
  notes.insert(notes.end(), to.refused.begin(), to.refused.end());
  return joined(notes);
}

void ReportSender::attempt(OutgoingReport report, const config::Config& config) {
  const Destinations to = find_destinations(DestinationCheck(report.domain, ReportKind::aggregate),
                                            parts_.resolver, parts_.clock, kDnsPatience);
  if (!to.trouble.empty()) return put_off(std::move(report), to.trouble);
  auto content = parts_.store->content(report.day, report.domain);
  if (!content) return put_off(std::move(report), content.error().log_text());
  if (to.uris.empty() || content->records.empty()) {
    counts::outgoing.count(counts::Outgoing::unwanted);
    std::string why = to.refused.empty() ? "no rua any more" : joined(to.refused);
    sys::log::info("dmarc_report_unwanted", {{"domain", report.domain}, {"why", why}});
    return settle(std::move(report), ReportState::unwanted, std::move(why));
  }
  const Feedback feedback = feedback_of(report.day, std::move(*content), config);
  std::size_t sent = 0;
  auto note = send(feedback, to, config, sent);
  if (!note) return put_off(std::move(report), note.error().log_text());
  if (sent > 0) counts::outgoing.count(counts::Outgoing::sent);
  sys::log::info(
      "dmarc_report",
      {{"domain", report.domain}, {"rows", feedback.records.size()}, {"sent", sent}, {"to", *note}});
  settle(std::move(report), sent > 0 ? ReportState::sent : ReportState::unwanted, std::move(*note));
}

}  // namespace postrider::reports
