#include "store/space.hpp"

#include <fmt/format.h>

#include "store/job.hpp"

namespace postrider::store {

std::optional<FreeSpace> Space::now() const {
  const base::SteadyTime time = clock_.steady();
  std::lock_guard lock(mutex_);
  if (!asked_at_ || time - *asked_at_ >= kCached) {
    answer_ = free_space(directory_);
    asked_at_ = time;
  }
  return answer_;
}

base::Result<void> Space::check(std::uint64_t wanted) const {
  const auto space = now();
  // What the file system does not tell can't be judged; a full one is then told by the write that fails.
  if (!space) return {};
  if (space->bytes < limits_.bytes || space->bytes - limits_.bytes < wanted)
    return storage_full(fmt::format("{} bytes are free, {} are wanted above min_free", space->bytes, wanted));
  if (space->inodes && *space->inodes < limits_.inodes)
    return storage_full(fmt::format("{} inodes are free", *space->inodes));
  return {};
}

}  // namespace postrider::store
