#include "policy/sending_counts.hpp"

#include <algorithm>
#include <numeric>

namespace postrider::policy {

std::int64_t SendingCounts::Window::part_at(base::SteadyTime now) const {
  return std::chrono::floor<base::Milliseconds>(now.time_since_epoch()) / twelfth_;
}

void SendingCounts::Window::pass_to(std::int64_t part) {
  const std::int64_t parts = std::ssize(counts_);
  for (std::int64_t old = std::max(newest_ + 1, part - parts + 1); old <= part; ++old)
    counts_[static_cast<std::size_t>(old % parts)] = 0;
  newest_ = std::max(newest_, part);
}

std::uint64_t SendingCounts::Window::sum(base::SteadyTime now) {
  pass_to(part_at(now));
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

void SendingCounts::Window::add(std::uint32_t count, base::SteadyTime now) {
  pass_to(part_at(now));
  counts_[static_cast<std::size_t>(newest_ % std::ssize(counts_))] += count;
}

base::Milliseconds SendingCounts::Window::until(std::uint64_t left, base::SteadyTime now) {
  std::uint64_t counted = sum(now);
  std::int64_t part = newest_ - std::ssize(counts_) + 1;  // the oldest
  for (; part < newest_ && counted > left; ++part)
    if (part >= 0) counted -= counts_[static_cast<std::size_t>(part % std::ssize(counts_))];
  if (counted > left) ++part;
  const base::SteadyTime then(twelfth_ * (part + std::ssize(counts_) - 1));
  return std::max(std::chrono::ceil<base::Milliseconds>(then - now), base::Milliseconds(0));
}

std::optional<SendingRefusal> SendingCounts::judge(std::string_view account, const directory::Limits& limits,
                                                   std::uint32_t recipients, base::SteadyTime now,
                                                   Count count) {
  if (limits == directory::Limits{}) return {};
  std::lock_guard lock(mutex_);
  auto found = accounts_.find(account);
  if (found == accounts_.end()) {
    if (accounts_.size() >= forget_above_) forget_idle(now);
    found = accounts_.try_emplace(std::string(account)).first;
  }
  Account& counts = found->second;
  struct Row {
    Window& window;
    std::uint32_t limit, wanted;
    const char* words;
  };
  const std::array rows{
      Row{counts.messages_hour, limits.messages_per_hour, 1, " messages within an hour"},
      Row{counts.messages_day, limits.messages_per_day, 1, " messages within a day"},
      Row{counts.recipients_hour, limits.recipients_per_hour, recipients, " recipients within an hour"},
      Row{counts.recipients_day, limits.recipients_per_day, recipients, " recipients within a day"}};
  std::optional<SendingRefusal> refusal;
  for (const Row& row : rows) {
    if (row.limit == 0 || row.window.sum(now) + row.wanted <= row.limit) continue;
    const auto again = row.window.until(row.limit - std::min(row.limit, row.wanted), now);
    if (!refusal || again > refusal->again) refusal = {std::to_string(row.limit) + row.words, again};
  }
  if (!refusal && count == Count::yes)
    for (const Row& row : rows) row.window.add(row.wanted, now);
  return refusal;
}

void SendingCounts::forget_idle(base::SteadyTime now) {
  for (auto one = accounts_.begin(); one != accounts_.end();) {
    const bool idle = one->second.messages_day.sum(now) == 0 && one->second.recipients_day.sum(now) == 0;
    one = idle ? accounts_.erase(one) : std::next(one);
  }
  forget_above_ = std::max<std::size_t>(1000, 2 * accounts_.size());
}

std::size_t SendingCounts::accounts() const {
  std::lock_guard lock(mutex_);
  return accounts_.size();
}

}  // namespace postrider::policy
