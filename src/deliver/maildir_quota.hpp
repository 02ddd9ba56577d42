// How much mail a Maildir holds: the sum of the sizes in its files' names, over the inbox and all subfolders.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deliver/files.hpp"
#include "deliver/lru.hpp"
#include "sys/clock.hpp"

namespace postrider::deliver {

// Counts a mailbox when it is first asked for, and anew when one of its folders was changed by somebody else, or
// after kTrust. Bounds: 10,000 mailboxes. One thread at a time.
class MaildirQuota {
 public:
  MaildirQuota(Files& files, sys::Clock& clock) : files_(files), clock_(clock) {}

  // Octets in the mailbox `key`, whose root folder is open as `root`.
  Tried<std::uint64_t> used(const std::string& key, int root);
  // `octets` were added by us: the folders' new times are no reason to count again. What another did in the
  // same moment is seen at the next change, or after kTrust.
  void add(const std::string& key, int root, std::uint64_t octets);

  static constexpr std::size_t kMailboxes = 10'000;
  static constexpr auto kTrust = std::chrono::minutes(10);

 private:
  struct Stamp {
    std::string folder;  // from the root: ".", "new", ".Junk/cur"
    std::int64_t modified = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Usage {
    std::uint64_t octets = 0;
    std::vector<Stamp> stamps;
    base::SteadyTime counted{};
  };
  Tried<Usage> count(int root);
  Tried<std::uint64_t> count_folder(int root, const std::string& folder);
  std::vector<Stamp> stamps_now(int root, const Usage& usage);

  Files& files_;
  sys::Clock& clock_;
  Lru<Usage> known_{kMailboxes};
};

}  // namespace postrider::deliver
