// Senders who are to be told of an end.
#include <algorithm>
#include <utility>

#include "queue/strand.hpp"
#include "sys/log.hpp"

namespace postrider::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// From the first end that is to be told until it is told, so that those of one message come together.
constexpr base::Milliseconds kGather = seconds(1);
// After a failure, and twice as long after each that follows.
constexpr base::Milliseconds kFirstPause = seconds(1);
constexpr base::Milliseconds kLongestPause = std::chrono::minutes(1);

}  // namespace

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
