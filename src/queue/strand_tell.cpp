// Senders: those who are to be warned that it takes long, and those who are to be told of an end.
#include <algorithm>
#include <iterator>
#include <utility>

#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Messages that the teller has at a time, of either kind.
constexpr std::size_t kTells = 10;
// From the first end that is to be told until it is told, so that those of one message come together.
constexpr base::Milliseconds kGather = seconds(1);
// After a failure, and twice as long after each that follows.
constexpr base::Milliseconds kFirstPause = seconds(1);
constexpr base::Milliseconds kLongestPause = std::chrono::minutes(1);

}  // namespace

// Those of one message together.
void Scheduler::Strand::warn_now() {
  if (!warnings_now_.empty()) warnings_.push_back(std::exchange(warnings_now_, {}));
}

void Scheduler::Strand::start_warnings() {
  warn_now();
  while (!warnings_.empty() && (warning_ < kTells || stop_by_)) {
    std::vector<Decided> group = std::move(warnings_.front());
    warnings_.pop_front();
    if (stop_by_) {
      std::move(group.begin(), group.end(), std::back_inserter(decided_.all));
      continue;
    }
    auto envelope = std::make_shared<mail::Envelope>(*group.front().envelope);
    Delayed delayed{.message = {.id = group.front().update.id.message, .envelope = {}, .recipients = {}},
                    .retried_until = envelope->received + settings_->queue.expire};
    for (const Decided& one : group) {
      const std::uint32_t index = one.update.id.index;
      delayed.message.recipients.push_back(index);
      if (one.update.attempted) ++envelope->recipients[index].attempts;
      envelope->recipients[index].last = one.outcome;
    }
    delayed.message.envelope = std::move(envelope);
    ++warning_;
    parts_.teller.warn(std::move(delayed),
                       post([this, group = std::make_shared<std::vector<Decided>>(std::move(group))](
                                base::Result<void> result) { warned(std::move(*group), result); }));
  }
}

// After a failure it is asked for again at the next attempt.
void Scheduler::Strand::warned(std::vector<Decided> group, const base::Result<void>& result) {
  --warning_;
  if (!result) {
    sys::log::warning("warning_failed", {{"id", group.front().update.id.message.to_string()},
                                         {"reason", result.error().log_text()}});
  }
  for (Decided& one : group) {
    one.warn = false;
    if (!wishes_.empty()) apply_wish(one);
    decided_.all.push_back(std::move(one));
  }
}

void Scheduler::Strand::untold_appeared() {
  if (telling_) tell_more_ = true;
  if (untold_pending_ || telling_) return;
  untold_pending_ = true;
  tell_at_ = now_.steady + kGather;
}

void Scheduler::Strand::start_telling() {
  if (!untold_pending_ || telling_ || stop_by_ || recording_fails_ || now_.steady < tell_after_) return;
  // Whoever waits for the queue to be idle does not wait for more to gather.
  if (now_.steady < tell_at_ && idle_.empty()) return;
  untold_pending_ = false;
  telling_ = true;
  tell_failed_ = tell_more_ = false;
  told_to_ = {};
  parts_.backlog.untold(told_to_, kTells, post([this](auto page) { untold_page(std::move(page)); }));
}

void Scheduler::Strand::untold_page(base::Result<std::vector<store::Claimed>> page) {
  if (!page) {
    sys::log::warning("untold_failed", {{"reason", page.error().log_text()}});
    tell_failed_ = true;
  }
  if (!page || page->empty() || stop_by_) return end_telling();
  told_to_ = page->back().id;
  tells_ = page->size();
  for (store::Claimed& message : *page)
    parts_.teller.tell(std::move(message), post([this](base::Result<void> result) { told(result); }));
}

void Scheduler::Strand::told(const base::Result<void>& result) {
  if (!result) {
    if (!tell_failed_) sys::log::warning("telling_failed", {{"reason", result.error().log_text()}});
    tell_failed_ = true;
  }
  if (--tells_ > 0) return;
  if (stop_by_) return end_telling();
  parts_.backlog.untold(told_to_, kTells, post([this](auto page) { untold_page(std::move(page)); }));
}

void Scheduler::Strand::end_telling() {
  telling_ = false;
  untold_pending_ = tell_failed_ || tell_more_;
  tell_at_ = now_.steady + kGather;
  if (!tell_failed_) {
    tell_pause_ = {};
    return;
  }
  tell_pause_ = std::clamp(tell_pause_ * 2, kFirstPause, kLongestPause);
  tell_after_ = now_.steady + tell_pause_;
}

}  // namespace postrider::queue
