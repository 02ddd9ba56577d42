#include "reports/recorder.hpp"

#include <map>
#include <utility>

#include "base/ascii.hpp"
#include "reports/counts.hpp"
#include "reports/record_json.hpp"
#include "sys/log.hpp"
#include "sys/thread_name.hpp"

namespace postrider::reports {
namespace {

using wire::dmarc_report::Disposition;
using wire::dmarc_report::Published;
using wire::dmarc_report::Record;

constexpr std::chrono::seconds kGathered(1);

std::string options_text(const wire::dmarc::FailureOptions& options) {
  std::string out;
  const auto add = [&](bool set, const char* word) {
    if (set) out += (out.empty() ? "" : ":") + std::string(word);
  };
  add(options.all, "0");
  add(options.any, "1");
  add(options.dkim, "d");
  add(options.spf, "s");
  return out;
}

// RFC 9990 3.1.1: tags that the record has not have their default values.
Published published_of(const policy::DmarcFinding& finding) {
  const wire::dmarc::Record& record = *finding.record;
  Published out;
  out.domain = base::lower(finding.policy_domain);
  out.policy = record.policy;
  out.subdomain = record.subdomain.value_or(record.policy);
  out.missing = record.missing.value_or(*out.subdomain);
  out.dkim = record.dkim;
  out.spf = record.spf;
  out.fo = options_text(record.failure);
  out.testing = record.testing;
  out.discovery = wire::dmarc_report::Discovery::treewalk;
  return out;
}

Disposition disposition_of(const policy::Judged& message) {
  switch (message.disposition) {
    case wire::dmarc::Policy::quarantine:
      return Disposition::quarantine;
    case wire::dmarc::Policy::reject:
      return Disposition::reject;
    case wire::dmarc::Policy::none:
      break;
  }
  // "no action, passing DMARC with an enforcing policy". RFC 9990 Appendix A
  const auto& dmarc = message.findings.dmarc;
  const bool enforced = dmarc.policy != wire::dmarc::Policy::none;
  return enforced && dmarc.result == policy::DmarcResult::pass ? Disposition::pass : Disposition::none;
}

// RFC 9990 3.1.3: those that pass and are aligned first.
void add_signatures(const policy::Judged& message, Record& record) {
  const std::string& author = record.header_from;
  const std::string& aligned = message.findings.dmarc.dkim_aligned;
  const auto rank = [&](const policy::DkimResult& one) {
    if (!one.passed()) return 3;
    if (base::iequals(one.domain, author)) return 0;
    return base::iequals(one.domain, aligned) ? 1 : 2;
  };
  for (int wanted = 0; wanted < 4; ++wanted) {
    for (const policy::DkimResult& one : message.findings.dkim) {
      if (rank(one) != wanted || record.dkim.size() == wire::dmarc_report::kMostSignatures) continue;
      record.dkim.push_back({.domain = base::lower(one.domain),
                             .selector = one.selector,
                             .result = std::string(to_string(one.verdict.result)),
                             .human_result = {}});
    }
  }
}

}  // namespace

std::optional<Seen> seen_of(const policy::Judged& message) {
  const policy::DmarcFinding& dmarc = message.findings.dmarc;
  if (!dmarc.record || dmarc.record->rua.empty() || dmarc.policy_domain.empty()) return {};
  if (dmarc.result == policy::DmarcResult::temperror) return {};
  // Who forges mail can't hide it so.
  if (dmarc.result == policy::DmarcResult::pass && wire::dmarc_report::is_report(message.header)) return {};
  Record record;
  record.source = message.facts.client;
  record.count = 1;
  record.disposition = disposition_of(message);
  record.dkim_aligned = !dmarc.dkim_aligned.empty();
  record.spf_aligned = !dmarc.spf_aligned.empty();
  for (const policy::PolicyOverride& reason : message.overrides)
    record.reasons.push_back({std::string(to_string(reason.type)), reason.comment});
  record.header_from = base::lower(dmarc.author);
  const mail::ReversePath& sender = message.facts.reverse_path;
  record.envelope_from = sender.is_null() ? std::string() : mail::to_ascii(sender.address().host());
  if (message.recipient_domains.size() == 1) record.envelope_to = message.recipient_domains.front();
  add_signatures(message, record);
  const policy::SpfFinding& spf = message.findings.mail_from;
  record.spf.push_back({.domain = base::lower(spf.domain),
                        .scope = "mfrom",
                        .result = std::string(to_string(spf.result)),
                        .human_result = {}});
  return Seen{.day = std::chrono::floor<std::chrono::days>(message.facts.now),
              .published = published_of(dmarc),
              .record = std::move(record)};
}

Recorder::Recorder(std::unique_ptr<ReportStore> store) : store_(std::move(store)) {
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void Recorder::judged(const policy::Judged& message) {
  if (auto seen = seen_of(message)) note(std::move(*seen));
}

void Recorder::note(Seen seen) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) return counts::seen.count(counts::Seen::dropped);
    waiting_.push_back(std::move(seen));
  }
  wanted_.notify_one();
}

void Recorder::flush() {
  std::unique_lock lock(mutex_);
  hurry_ = true;
  wanted_.notify_all();
  written_.wait(lock, [this] { return !hurry_; });
}

void Recorder::run() {
  sys::name_this_thread("reports");
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [this] { return stopping_ || hurry_ || !waiting_.empty(); });
    // What comes within a second shares its transaction.
    if (!waiting_.empty()) wanted_.wait_for(lock, kGathered, [this] { return stopping_ || hurry_; });
    const bool hurried = hurry_;
    auto batch = std::exchange(waiting_, {});
    const bool last = stopping_;
    lock.unlock();
    if (!batch.empty()) write(std::move(batch));
    lock.lock();
    if (hurried) {
      hurry_ = false;
      written_.notify_all();
    }
    if (last) return;
  }
}

// Equal ones together.
void Recorder::write(std::vector<Seen> batch) {
  std::map<std::string, Seen> rows;
  for (Seen& one : batch) {
    const std::string key = std::to_string(one.day.time_since_epoch().count()) + ' ' + one.published.domain +
                            ' ' + to_text(one.record);
    const auto [row, is_new] = rows.try_emplace(key, one);
    if (is_new) continue;
    row->second.record.count += one.record.count;
    row->second.published = std::move(one.published);
  }
  std::vector<Seen> distinct;
  for (auto& [key, row] : rows) distinct.push_back(std::move(row));
  const auto written = store_->add(distinct);
  counts::seen.add(batch.size(), written ? counts::Seen::recorded : counts::Seen::dropped);
  if (!written)
    sys::log::error("dmarc_results_lost", {{"messages", batch.size()}, {"why", written.error().log_text()}});
}

}  // namespace postrider::reports
