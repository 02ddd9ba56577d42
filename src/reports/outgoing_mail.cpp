#include "reports/outgoing_mail.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "policy/inquiry.hpp"

namespace postrider::reports {
namespace {

// Answers of the DNS on their way to the thread that waits for them. Shared with the resolver, which may come late.
class Home {
 public:
  using Task = std::move_only_function<void()>;
  void post(Task task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    arrived_.notify_one();
  }
  // Runs tasks until `done`.
  void run_until(const bool& done) {
    while (!done) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return !tasks_.empty(); });
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;
};

}  // namespace

Destinations find_destinations(DestinationCheck check, sys::Resolver& resolver, const sys::Clock& clock,
                               base::Milliseconds patience) {
  const auto home = std::make_shared<Home>();
  bool done = false;
  const auto inquiry =
      policy::Inquiry::make(resolver, clock, [home](Home::Task task) { home->post(std::move(task)); });
  inquiry->run(
      patience, [&](policy::Lookups& lookups) { return check.go_on(lookups); }, [&] { done = true; });
  home->run_until(done);
  return check.found();
}

mail::Envelope report_envelope(mail::ReversePath from, const mail::Address& to) {
  mail::Envelope envelope;
  envelope.reverse_path = std::move(from);
  // RFC 3461 4.1
  envelope.recipients.push_back(
      {.original = to, .alias = {}, .final = to, .orcpt = {}, .notify = {.specified = true}, .last = {}});
  return envelope;
}

std::string organization_of(const config::Config& config) {
  const std::string& organization = config.dmarc_reports.organization;
  return organization.empty() ? config.hostname.ascii() : organization;
}

wire::dmarc_report::Letter letter_to(const mail::Address& to, const config::Config& config,
                                     base::MessageId id, base::UtcTime now) {
  return {.submitter = config.hostname.ascii(),
          .from_name = organization_of(config),
          .from = config.dmarc_reports.contact->to_ascii(),
          .to = to.to_ascii(),
          .id = id.to_string(),
          .date = now};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "; ") + line;
  return out;
}

}  // namespace postrider::reports
