#include "sys/dns_breaker.hpp"

#include "sys/log.hpp"
#include "sys/metrics.hpp"

namespace postrider::sys {
namespace {

Gauges silent("postrider_dns_silent", "1 while no name server answers the checks of incoming mail.");
Counters not_asked("postrider_dns_not_asked_total",
                   "Questions of these checks that failed at once, since no name server answers.");

}  // namespace

DnsBreaker::Ruling DnsBreaker::question(base::SteadyTime now) {
  if (state_ == State::closed || state_ == State::under_control) return Ruling::ask;
  if (state_ == State::open && now < rest_until_) {
    not_asked.count();
    return Ruling::fail;
  }
  state_ = State::under_control;
  control_asked_ = now;
  return Ruling::ask_with_control;
}

void DnsBreaker::ended(const Ended& question) {
  const auto took = question.now - question.asked;
  if (question.answered) {
    if (took >= kRoundTrip) close(question.now);
  } else if (state_ == State::closed && took >= kWait && ++in_vain_ == kInVain) {
    state_ = State::doubtful;
  }
}

bool DnsBreaker::control_ended(const Ended& control) {
  // Another answer has closed it meanwhile.
  if (state_ != State::under_control || control.asked != control_asked_) return false;
  const bool in_vain = !control.answered && (silent_since_ || control.now - control.asked >= kWait);
  if (!in_vain) {
    close(control.now);
    return false;
  }
  state_ = State::open;
  rest_until_ = control.now + kRest;
  if (silent_since_) return true;
  silent_since_ = control.now;
  silent.add(1);
  log::warning("dns_silent",
               {{"effect", "checks of who sent incoming mail find nothing out (temperror), at once"},
                {"again_after_s", kRest.count()}});
  return true;
}

void DnsBreaker::close(base::SteadyTime now) {
  state_ = State::closed;
  in_vain_ = 0;
  if (!silent_since_) return;
  const auto silence = std::chrono::duration_cast<std::chrono::seconds>(now - *silent_since_);
  silent_since_.reset();
  silent.add(-1);
  log::info("dns_answers", {{"silent_s", silence.count()}});
}

}  // namespace postrider::sys
