// The mailbox contract: what a store of mailboxes does for whoever delivers.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "queue/courier.hpp"

namespace postrider::deliver {

// Where an account's mail lies. Built from checked domain and account names only, never from what a sender said.
struct MailboxTarget {
  std::filesystem::path directory;  // absolute
  std::uint64_t quota = 0;          // octets; 0: none
};

enum class MissingFolder : std::uint8_t { refuse, create };

struct MailboxDelivery {
  MailboxTarget mailbox;
  std::string folder;  // empty: the inbox; "Junk", "Lists.cpp" (a subfolder)
  MissingFolder missing = MissingFolder::refuse;
  std::string flags;  // Maildir's letters ("S": seen), empty: new mail
  std::string top;    // header fields above the message, with CRLF line ends
  std::function<std::unique_ptr<queue::Content>()> open;
};

enum class MailboxFault : std::uint8_t {
  over_quota,
  no_such_folder,
  no_space,   // the disk, or its quota, is full
  not_ours,   // a symbolic link or another thing where a folder should be, or a name that can't be one
  unwritten,  // reading, writing or syncing failed
};

struct MailboxFailure {
  MailboxFault fault = MailboxFault::unwritten;
  std::string log;  // for the operator
};

// The id, which is the file's path for a Maildir.
using MailboxResult = std::expected<std::string, MailboxFailure>;

class MailboxStore {
 public:
  virtual ~MailboxStore() = default;
  // Puts each message into its mailbox, making the mailbox where there is none; answers by place. What was
  // stored is durable when this returns: the whole batch shares the syncs for it. One failure spoils no other.
  // Blocking; one thread at a time.
  virtual std::vector<MailboxResult> deliver(const std::vector<MailboxDelivery>& batch) = 0;
};

}  // namespace postrider::deliver
