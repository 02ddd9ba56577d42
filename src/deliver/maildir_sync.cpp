#include "deliver/maildir_sync.hpp"

#include <utility>

#include "sys/log.hpp"

namespace postrider::deliver {

void MaildirSync::watch(std::uint64_t device, int directory) {
  if (devices_.contains(device) || devices_.size() >= kDevices) return;
  auto root = files_.open_directory(directory, ".");
  if (!root) return;  // then its files are synced one by one
  devices_.emplace(device, Device{.root = std::move(*root)});
}

bool MaildirSync::by_file_system(std::uint64_t device) const {
  const auto found = devices_.find(device);
  return found != devices_.end() && clock_.steady() >= found->second.avoid_until;
}

Tried<void> MaildirSync::sync(std::uint64_t device) {
  Device& watched = devices_.at(device);
  const base::SteadyTime start = clock_.steady();
  auto synced = files_.sync_file_system(watched.root.get());
  const auto took = std::chrono::duration_cast<base::Milliseconds>(clock_.steady() - start);
  if (took > kSlow) {
    watched.avoid_until = clock_.steady() + kAvoid;
    sys::log::info("maildir_sync_slow",
                   {{"milliseconds", took.count()}, {"instead", "each file for 5 minutes"}});
  }
  return synced;
}

}  // namespace postrider::deliver
