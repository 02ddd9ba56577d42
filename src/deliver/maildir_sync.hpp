// Whether a batch is synced by its file systems or file by file.
#pragma once

#include <cstdint>
#include <map>

#include "deliver/files.hpp"
#include "sys/clock.hpp"

namespace postrider::deliver {

// One syncfs for all that waits is the quicker way, for a single message as for two hundred, until another writer on
// the same file system makes it wait for its data too. Measured on ext4, 4 KiB messages into 100 mailboxes, both syncs:
// 1 message 0.11 ms (file by file 0.17), 5 messages 0.4 (0.7), 200 messages 5 (24).
//
// The descriptor of a file system is opened before the first write to it and kept, so that every write-back
// error since then is told by its sync. One thread at a time.
class MaildirSync {
 public:
  MaildirSync(Files& files, sys::Clock& clock) : files_(files), clock_(clock) {}

  // Before anything is written below `directory`, a folder on `device`.
  void watch(std::uint64_t device, int directory);
  // False: sync that file system's files one by one for now.
  bool by_file_system(std::uint64_t device) const;
  // Requires by_file_system().
  Tried<void> sync(std::uint64_t device);

  // A sync that takes longer has waited for somebody else's data.
  static constexpr base::Milliseconds kSlow{200};
  // Then files are synced one by one for this long, before it is tried again.
  static constexpr base::Milliseconds kAvoid{std::chrono::minutes(5)};
  // File systems that mailboxes lie on; those above are synced file by file.
  static constexpr std::size_t kDevices = 64;

 private:
  struct Device {
    Handle root;
    base::SteadyTime avoid_until{};
  };
  Files& files_;
  sys::Clock& clock_;
  std::map<std::uint64_t, Device> devices_;
};

}  // namespace postrider::deliver
