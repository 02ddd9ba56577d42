#include "directory/expansion.hpp"

#include "base/ascii.hpp"

namespace postrider::directory {
namespace {

constexpr std::size_t kMaxDepth = 10;      // aliases in a row
constexpr std::size_t kMaxTargets = 1000;  // of one address

std::unexpected<base::Failure> too_many() {
  return base::permanent({5, 5, 3}, "an alias with more than 1000 recipients");
}

// RFC 3463 3.3
std::unexpected<base::Failure> disabled() {
  return base::permanent({5, 2, 1}, "mailbox disabled, not accepting messages");
}

}  // namespace

base::Result<Resolution> Expansion::run(const mail::Address& start, std::optional<mail::Address> alias) {
  waiting_.push_back({start, std::move(alias), 0});
  while (!waiting_.empty()) {
    Waiting one = std::move(waiting_.back());
    waiting_.pop_back();
    if (!seen_.insert(key(one.address)).second) continue;
    Step step = steps_.step(one.address);
    if (step.kind == Step::Kind::nobody) {
      if (one.depth == 0) return Resolution{Standing::unknown, {}};
      return base::temporary({4, 3, 5}, "mailing list or alias is being repaired",
                             "an alias leads to " + one.address.to_string() + ", who is not there");
    }
    if (step.kind == Step::Kind::disabled) {
      disabled_ = true;
      continue;
    }
    if (auto taken = take(std::move(one), std::move(step)); !taken) return std::unexpected(taken.error());
  }
  if (!targets_.empty()) return Resolution{Standing::local, std::move(targets_)};
  if (disabled_) return disabled();
  return base::permanent({5, 4, 6}, "aliases lead in a circle");
}

// Case makes no difference in our own names only. RFC 5321 2.4
std::string Expansion::key(const mail::Address& address) const {
  const bool ours = address.domain() && steps_.is_ours(*address.domain());
  return (ours ? base::lower(address.local()) : address.local()) + '@' + mail::to_ascii(address.host());
}

base::Result<void> Expansion::take(Waiting one, Step step) {
  if (step.kind != Step::Kind::alias) {
    if (targets_.size() == kMaxTargets) return too_many();
    targets_.push_back({std::move(one.address), std::move(one.alias), step.kind == Step::Kind::mailbox});
    return {};
  }
  if (one.depth == kMaxDepth) return base::permanent({5, 4, 6}, "more than 10 aliases in a row");
  if (waiting_.size() + step.next.size() > kMaxDepth * kMaxTargets) return too_many();
  for (auto next = step.next.rbegin(); next != step.next.rend(); ++next)
    waiting_.push_back({std::move(*next), step.alias, one.depth + 1});
  return {};
}

}  // namespace postrider::directory
