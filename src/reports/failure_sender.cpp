#include "reports/failure_sender.hpp"

#include <utility>

#include "base/ascii.hpp"
#include "reports/counts.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"

namespace postrider::reports {

using counts::Failure;

FailureSender::FailureSender(SenderParts parts) : parts_(std::move(parts)) {}

void FailureSender::start() {
  thread_ = std::thread([this] { run(); });
}

void FailureSender::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    counts::failures.add(waiting_.size(), Failure::dropped);
    waiting_.clear();
  }
  wanted_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool FailureSender::take_place(Day day, const std::string& domain, std::uint32_t most) {
  if (day != day_) {
    day_ = day;
    places_.clear();
    taken_ = 0;
  }
  if (taken_ >= kMostPerDay) return false;
  std::uint32_t& its = places_[domain];
  if (its >= most) return false;
  ++its;
  ++taken_;
  return true;
}

void FailureSender::judged(const policy::Judged& message) {
  const auto config = parts_.config();
  const auto& setting = config->dmarc_reports;
  if (!setting.failure_reports || !setting.contact) return;
  const auto failed = reportable(message);
  if (!failed) return;
  const Day day = std::chrono::floor<std::chrono::days>(message.facts.now);
  {
    std::lock_guard lock(mutex_);
    if (!take_place(day, base::lower(message.findings.dmarc.policy_domain), setting.failure_reports_per_day))
      return counts::failures.count(Failure::bounded);
    if (stopping_ || waiting_.size() >= kMostWaiting) return counts::failures.count(Failure::dropped);
  }
  Incident incident = incident_of(message, *failed);
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= kMostWaiting) return counts::failures.count(Failure::dropped);
    waiting_.push_back(std::move(incident));
  }
  wanted_.notify_one();
}

void FailureSender::run() {
  sys::name_this_thread("failure-reports");
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
    }
    send_all();
  }
}

void FailureSender::send_all() {
  while (true) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) return;
    Incident incident = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const auto config = parts_.config();
    const bool wanted = config->dmarc_reports.failure_reports && config->dmarc_reports.contact;
    if (wanted)
      send(std::move(incident), *config);
    else
      counts::failures.count(Failure::dropped);
  }
}

base::Result<FailureSender::Written> FailureSender::write(const Incident& incident, const Destinations& to,
                                                          const config::Config& config) {
  Written written;
  std::vector<std::string> notes;
  for (const ReportUri& uri : to.uris) {
    const auto text = [&](base::MessageId id) {
      return write_failure_mail(letter_to(uri.address, config, id, parts_.clock.utc()), incident.report);
    };
    const std::string address = uri.address.to_string();
    if (uri.most && text(base::MessageId{}).size() > *uri.most) {
      notes.push_back(address + ": takes no more than " + std::to_string(*uri.most) + " octets");
      continue;
    }
    // The null sender, so that nothing can answer it. RFC 5321 4.5.5
    const auto id = parts_.accept(report_envelope({}, uri.address), text,
                                  "DMARC failure report about " + incident.policy_domain);
    if (!id) return std::unexpected(id.error());
    ++written.mails;
    notes.push_back(address + " as " + id->to_string());
  }
  notes.insert(notes.end(), to.refused.begin(), to.refused.end());
  written.note = joined(notes);
  return written;
}

void FailureSender::send(Incident incident, const config::Config& config) {
  const auto end = [&](Failure how, const std::string& note) {
    counts::failures.count(how);
    sys::log::info("dmarc_failure_report", {{"domain", incident.policy_domain},
                                            {"source", incident.report.source->to_string()},
                                            {"what", incident.report.auth_failure},
                                            {"result", to_string(how)},
                                            {"to", note}});
  };
  const Destinations to = find_destinations(DestinationCheck(incident.policy_domain, ReportKind::failure),
                                            parts_.resolver, parts_.clock, kDnsPatience);
  if (!to.trouble.empty()) return end(Failure::dropped, to.trouble);
  if (to.uris.empty())
    return end(Failure::unwanted, to.refused.empty() ? "no ruf any more" : joined(to.refused));
  const Day day = std::chrono::floor<std::chrono::days>(*incident.report.arrival);
  const auto place = parts_.store->take_failure_place(
      day, incident.policy_domain,
      {.of_domain = config.dmarc_reports.failure_reports_per_day, .of_all = kMostPerDay});
  if (!place) return end(Failure::dropped, place.error().log_text());
  if (!*place) return end(Failure::bounded, "enough of this day");
  const auto written = write(incident, to, config);
  if (!written) return end(Failure::dropped, written.error().log_text());
  end(written->mails > 0 ? Failure::sent : Failure::unwanted, written->note);
}

}  // namespace postrider::reports
