// Maildir folders: opened, made where they are missing, and kept open.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "deliver/files.hpp"
#include "deliver/lru.hpp"
#include "deliver/mailbox.hpp"
#include "sys/clock.hpp"

namespace postrider::deliver {

// An open folder of a mailbox: the inbox, or a Maildir++ subfolder.
struct MaildirFolder {
  std::filesystem::path path;
  Handle root, tmp, fresh;    // `fresh` is new/
  FileStatus identity;        // of root, when it was opened
  bool entry_synced = false;  // root's own entries are known to be on disk; for who syncs file by file
};

// Bounds: 128 folders are kept open, with 3 descriptors each; a batch holds what it uses. One thread at a time.
class MaildirFolders {
 public:
  using Opened = std::expected<std::shared_ptr<MaildirFolder>, MailboxFailure>;

  MaildirFolders(Files& files, sys::Clock& clock) : files_(files), clock_(clock) {}

  // The inbox, made with its parents (mode 0700) where it is missing. The mailbox itself may not be a symbolic
  // link, nor may anything in it; folders above it are the operator's and may be.
  Opened inbox(const std::filesystem::path& mailbox);
  // The subfolder `name`, which is made or refused where it is missing.
  Opened subfolder(const std::filesystem::path& mailbox, const std::string& name, MissingFolder missing);

  static constexpr std::size_t kOpen = 128;
  // Files that long in tmp/ belong to a writer that died: the Maildir convention.
  static constexpr auto kStale = std::chrono::hours(36);

 private:
  Opened open(int at, const std::string& name, const std::filesystem::path& path);
  std::expected<void, MailboxFailure> make_with_parents(const std::filesystem::path& path);
  std::expected<void, MailboxFailure> make_contents(int root, const std::filesystem::path& path);
  void remove_stale(const MaildirFolder& folder);

  Files& files_;
  sys::Clock& clock_;
  Lru<std::shared_ptr<MaildirFolder>> open_{kOpen};
};

// What an errno value means for a delivery. `what`: "rename /var/mail/x".
MailboxFailure failure_of(int error, const std::string& what);

}  // namespace postrider::deliver
