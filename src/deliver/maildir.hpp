// Mailboxes as Maildirs: one file a message, LF line ends, safe against a crash at any point.
//
// A message is written to tmp/, synced, renamed into new/ (cur/ where it has flags), and that folder is synced;
// all of a batch share the syncs. Only then it counts as delivered. What a crash leaves is either a file in tmp/,
// which no reader looks at, or a whole message. A sync that failed is never tried again as if the next success
// covered it: the batch's files are removed and their delivery failed.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "deliver/files.hpp"
#include "deliver/mailbox.hpp"
#include "deliver/maildir_folders.hpp"
#include "deliver/maildir_name.hpp"
#include "deliver/maildir_quota.hpp"
#include "deliver/maildir_sync.hpp"
#include "sys/clock.hpp"

namespace postrider::deliver {

class Maildir final : public MailboxStore {
 public:
  // Files and clock outlive it. `hostname` goes into file names.
  Maildir(Files& files, sys::Clock& clock, std::string hostname)
      : files_(files), clock_(clock), hostname_(std::move(hostname)) {}

  std::vector<MailboxResult> deliver(const std::vector<MailboxDelivery>& batch) override;

 private:
  // A message on its way through the steps.
  struct Item {
    const MailboxDelivery* delivery = nullptr;
    MailboxResult* result = nullptr;
    std::shared_ptr<MaildirFolder> folder;
    std::shared_ptr<MaildirFolder> inbox;  // whose quota counts
    std::string name;                      // in tmp/
    std::string final_name;
    Handle cur;  // open where it has flags
    bool by_file_system = false;
    bool renamed = false;
    Handle file;  // open until synced, where files are synced one by one
    MaildirSizes sizes;
    bool failed() const { return !result->has_value(); }
    int target() const { return cur ? cur.get() : folder->fresh.get(); }
  };

  bool prepare(Item& item);
  bool write(Item& item);
  bool write_content(Item& item);
  bool within_quota(Item& item, std::uint64_t more);
  void sync_data(std::vector<Item>& items);
  void rename(Item& item);
  void sync_folders(std::vector<Item>& items);
  void sync_devices(std::vector<Item>& items);
  void fail(Item& item, MailboxFailure failure);

  Files& files_;
  sys::Clock& clock_;
  std::string hostname_;
  MaildirFolders folders_{files_, clock_};
  MaildirQuota quota_{files_, clock_};
  MaildirSync sync_{files_, clock_};
  // Octets of this batch that are not in quota_ yet, by mailbox.
  std::unordered_map<std::string, std::uint64_t> pending_;
};

}  // namespace postrider::deliver
