#include "queue/site.hpp"

#include <algorithm>

#include "queue/failure.hpp"

namespace postrider::queue {
namespace {

constexpr std::chrono::nanoseconds kMinute = std::chrono::minutes(1);

}  // namespace

void Health::set_max(std::uint32_t concurrency) {
  if (concurrency > kStrangers && max_ != concurrency) allowed_ = concurrency;
  max_ = std::max<std::uint32_t>(concurrency, 1);
}

bool Health::may_begin(base::SteadyTime now, std::uint32_t running) const {
  if (!until_) return running < allowed();
  return now >= *until_ && !probe_;
}

Health::Ticket Health::begin(base::SteadyTime now) {
  const Ticket ticket = next_++;
  if (until_ && now >= *until_) probe_ = ticket;
  return ticket;
}

void Health::made() {
  failures_ = 0;
  times_ = 0;
  proven_ = true;
  if (until_) {
    until_.reset();
    probe_.reset();
    since_ = next_;
    allowed_ = 1;
  } else if (allowed_ < max_) {
    ++allowed_;
  }
}

bool Health::failed(Ticket ticket, base::SteadyTime now, const config::Retry& retry, double random) {
  const bool is_probe = probe_ == ticket;
  if (!is_probe && (until_ || ticket < since_)) return false;
  proven_ = false;
  allowed_ = std::max<std::uint32_t>(allowed() / 2, 1);
  if (!is_probe && ++failures_ < kFailuresToGiveUp) return false;
  config::Retry bounded = retry;
  bounded.max = kLongestGivenUp;
  until_ = now + back_off(bounded, ++times_, random);
  probe_.reset();
  since_ = next_;
  return true;
}

void Health::nothing(Ticket ticket) {
  if (probe_ == ticket) probe_.reset();
}

void Health::try_again(base::SteadyTime now) {
  if (until_) until_ = std::min(*until_, now);
}

void Rate::set(std::uint32_t per_minute) {
  if (per_minute != per_minute_) paid_until_ = {};
  per_minute_ = per_minute;
}

base::SteadyTime Rate::next(base::SteadyTime now) const {
  if (per_minute_ == 0) return now;
  const auto share = kMinute / per_minute_;
  const std::uint32_t burst = std::max<std::uint32_t>(per_minute_ / 60, 1);
  return std::max(now, paid_until_ - (burst - 1) * share);
}

void Rate::take(base::SteadyTime now) {
  if (per_minute_ > 0) paid_until_ = std::max(paid_until_, now) + kMinute / per_minute_;
}

}  // namespace postrider::queue
