#include "reports/report_courier.hpp"

#include <fmt/format.h>

#include <utility>

#include "reports/counts.hpp"
#include "reports/report_origin.hpp"
#include "sys/log.hpp"

namespace postrider::reports {
namespace {

using Done = std::move_only_function<void(queue::Report)>;
using wire::dmarc_report::Feedback;

constexpr std::string_view kRelay = "dmarc-reports";
constexpr std::size_t kWaiting = 100;

base::Result<std::string> whole(queue::Content& content) {
  std::string out;
  for (;;) {
    auto piece = content.next();
    if (!piece) return std::unexpected(std::move(piece.error()));
    if (piece->empty()) return out;
    if (out.size() + piece->size() > wire::dmarc_report::kMostMessage)
      return base::permanent({5, 6, 0}, "the message is too large for a report");
    out += *piece;
  }
}

queue::Report report(const queue::Job& job, mail::Outcome outcome, queue::Contact contact) {
  return {.outcomes = std::vector<mail::Outcome>(job.recipients.size(), std::move(outcome)),
          .contact = contact,
          .trials = {}};
}

mail::Outcome deferred(std::string why, base::UtcTime now) {
  return {.action = mail::Action::deferred,
          .reply = mail::reply(451, 3, 0, "the report can't be stored now"),
          .relay = std::string(kRelay),
          .detail = std::move(why),
          .at = now};
}

}  // namespace

ReportCourier::ReportCourier(Parts parts)
    : parts_(std::move(parts)),
      pool_(std::make_unique<sys::Pool>(
          sys::PoolOptions{.name = "report-courier", .threads = 1, .bound = kWaiting})) {}

ReportCourier::~ReportCourier() = default;

void ReportCourier::locate(const queue::Destination&, std::move_only_function<void(queue::Located)> done) {
  done(queue::Site{.name = std::string(kRelay), .concurrency = kJobs});
}

void ReportCourier::deliver(queue::Job job, Done done) {
  // Both are needed where the pool is full, too.
  const auto shared = std::make_shared<std::pair<queue::Job, Done>>(std::move(job), std::move(done));
  const bool taken =
      pool_->submit([this, shared] { take(std::move(shared->first), std::move(shared->second)); });
  if (!taken)
    shared->second(
        report(shared->first, deferred("too many reports wait", parts_.clock.utc()), queue::Contact::none));
}

void ReportCourier::take(queue::Job job, Done done) {
  const auto content = job.open();
  auto message = whole(*content);
  auto stored = message ? store(*message) : std::unexpected(std::move(message.error()));
  if (stored) {
    done(report(job,
                {.action = mail::Action::delivered,
                 .reply = mail::reply(250, 0, 0, "the report is stored"),
                 .relay = std::string(kRelay),
                 .detail = std::move(*stored),
                 .at = parts_.clock.utc()},
                queue::Contact::made));
  } else if (stored.error().permanent()) {
    pass_on(std::move(job), stored.error().log_text(), std::move(done));
  } else {
    done(report(job, deferred(stored.error().log_text(), parts_.clock.utc()), queue::Contact::made));
  }
}

base::Result<std::string> ReportCourier::store(const Feedback& feedback, const Origin& origin) {
  auto is_new = parts_.store->add(feedback, parts_.clock.utc(), origin);
  if (!is_new) return std::unexpected(std::move(is_new.error()));
  counts::received.count(*is_new ? counts::Received::stored : counts::Received::known);
  return fmt::format("{}, {} about {}{}{}", feedback.org_name.empty() ? feedback.email : feedback.org_name,
                     feedback.report_id, feedback.published.domain,
                     origin.proof == Proof::passed ? "" : ", unproven", *is_new ? "" : ": known already");
}

base::Result<std::string> ReportCourier::store(const std::string& message) {
  const auto reports = wire::dmarc_report::read_report_mail(message);
  if (!reports) return std::unexpected(reports.error());
  if (reports->failure) {
    if (auto added = parts_.store->add(*reports->failure, parts_.clock.utc()); !added)
      return std::unexpected(std::move(added.error()));
    counts::received.count(counts::Received::stored);
    return base::permanent({5, 6, 0}, "a failure report, noted and delivered too");
  }
  // Who may be told of must be known before the first is stored.
  for (const Feedback& feedback : reports->aggregate) {
    const auto domain = mail::Domain::parse(feedback.published.domain);
    if (!domain || !parts_.is_ours(*domain))
      return base::permanent(
          {5, 6, 0}, "a report about " + feedback.published.domain + ", which is no domain of this server");
  }
  const Origin origin = origin_of(message, parts_.hostname);
  std::string told;
  for (const Feedback& feedback : reports->aggregate) {
    auto one = store(feedback, origin);
    if (!one) return one;
    told += (told.empty() ? "" : "; ") + *one;
  }
  return told;
}

void ReportCourier::pass_on(queue::Job job, std::string why, Done done) {
  counts::received.count(counts::Received::unreadable);
  sys::log::info("dmarc_report_passed_on", {{"id", job.id.to_string()}, {"why", why}});
  parts_.mailbox.deliver(
      std::move(job), [why = std::move(why), done = std::move(done)](queue::Report report) mutable {
        report.trials.insert(report.trials.begin(),
                             {.host = std::string(kRelay),
                              .address = {},
                              .tls = {},
                              .took = {},
                              .result = "no report to be stored: " + why + "; delivered as mail",
                              .transcript = {}});
        done(std::move(report));
      });
}

}  // namespace postrider::reports
