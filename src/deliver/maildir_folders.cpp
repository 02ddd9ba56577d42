#include "deliver/maildir_folders.hpp"

#include <cerrno>
#include <ranges>
#include <system_error>
#include <utility>
#include <vector>

namespace postrider::deliver {
namespace {

bool is_absolute_and_plain(const std::filesystem::path& path) {
  if (!path.is_absolute() || path == path.root_path()) return false;
  for (const auto& part : path.relative_path()) {
    if (part.empty() || part == "." || part == "..") return false;
    if (part.native().find('\0') != std::string::npos) return false;
  }
  return true;
}

std::unexpected<MailboxFailure> failed(int error, const std::string& what) {
  return std::unexpected(failure_of(error, what));
}

std::expected<Handle, MailboxFailure> open_part(Files& files, int at, const std::string& name,
                                                const std::filesystem::path& path) {
  auto opened = files.open_directory(at, name);
  if (opened) return std::move(*opened);
  if (opened.error() != ENOENT) return failed(opened.error(), "open " + path.string());
  return std::unexpected(MailboxFailure{MailboxFault::no_such_folder, "no " + path.string()});
}

}  // namespace

MailboxFailure failure_of(int error, const std::string& what) {
  MailboxFault fault = MailboxFault::unwritten;
  if (error == ENOSPC || error == EDQUOT) fault = MailboxFault::no_space;
  if (error == ELOOP || error == ENOTDIR) fault = MailboxFault::not_ours;
  return {fault, what + ": " + std::generic_category().message(error)};
}

MaildirFolders::Opened MaildirFolders::inbox(const std::filesystem::path& mailbox) {
  if (!is_absolute_and_plain(mailbox)) {
    return std::unexpected(MailboxFailure{MailboxFault::not_ours, mailbox.string() + " is no mailbox path"});
  }
  auto folder = open(Files::kNowhere, mailbox.native(), mailbox);
  if (folder || folder.error().fault != MailboxFault::no_such_folder) return folder;
  if (auto made = make_with_parents(mailbox); !made) return std::unexpected(std::move(made.error()));
  return open(Files::kNowhere, mailbox.native(), mailbox);
}

MaildirFolders::Opened MaildirFolders::subfolder(const std::filesystem::path& mailbox,
                                                 const std::string& name, MissingFolder missing) {
  auto box = inbox(mailbox);
  if (!box) return box;
  const std::filesystem::path path = mailbox / name;
  const int root = (*box)->root.get();
  auto folder = open(root, name, path);
  if (folder || folder.error().fault != MailboxFault::no_such_folder) return folder;
  if (missing == MissingFolder::refuse) return folder;
  if (auto made = files_.make_directory(root, name); !made && made.error() != EEXIST) {
    return failed(made.error(), "make " + path.string());
  }
  if (auto synced = files_.sync_directory(root); !synced)
    return failed(synced.error(), "sync " + mailbox.string());
  auto opened = files_.open_directory(root, name);
  if (!opened) return failed(opened.error(), "open " + path.string());
  // The empty file by which Maildir++ knows a subfolder from a mailbox.
  if (auto mark = files_.create(opened->get(), "maildirfolder"); !mark && mark.error() != EEXIST) {
    return failed(mark.error(), "make " + (path / "maildirfolder").string());
  }
  if (auto made = make_contents(opened->get(), path); !made) return std::unexpected(std::move(made.error()));
  return open(root, name, path);
}

// new/ is made last, so that a folder that has it is whole: see make_contents().
MaildirFolders::Opened MaildirFolders::open(int at, const std::string& name,
                                            const std::filesystem::path& path) {
  const std::string& key = path.native();
  const auto found = files_.status(at, name);
  if (auto* known = open_.find(key)) {
    const FileStatus& was = (*known)->identity;
    if (found && found->device == was.device && found->inode == was.inode) return *known;
    open_.erase(key);  // moved away, or removed
  }
  auto folder = std::make_shared<MaildirFolder>();
  folder->path = path;
  if (auto root = open_part(files_, at, name, path); root) {
    folder->root = std::move(*root);
  } else {
    return std::unexpected(std::move(root.error()));
  }
  for (auto& [part, handle] :
       {std::pair<const char*, Handle*>{"new", &folder->fresh}, {"tmp", &folder->tmp}, {"cur", nullptr}}) {
    auto opened = open_part(files_, folder->root.get(), part, path / part);
    if (!opened) return std::unexpected(std::move(opened.error()));
    if (handle) *handle = std::move(*opened);
  }
  const auto identity = files_.status(folder->root.get(), ".");
  if (!identity) return failed(identity.error(), "stat " + key);
  folder->identity = *identity;
  remove_stale(*folder);
  return open_.put(key, std::move(folder));
}

// Each folder is synced after the next one was made in it, or found there half made: its maker may have died before
// the sync. For the same reason the lowest folder that exists has its own entry synced, where we may open what is
// above it.
std::expected<void, MailboxFailure> MaildirFolders::make_with_parents(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> missing = {path};
  std::filesystem::path lowest = path.parent_path();
  // "/." follows a link, which above the mailbox is the operator's choice.
  auto at = files_.open_directory(Files::kNowhere, lowest.string() + "/.");
  while (!at && at.error() == ENOENT && lowest.has_relative_path()) {
    missing.push_back(lowest);
    lowest = lowest.parent_path();
    at = files_.open_directory(Files::kNowhere, lowest.string() + "/.");
  }
  if (!at) return failed(at.error(), "open " + lowest.string());
  if (const auto above = files_.open_directory(at->get(), "..")) {
    if (auto synced = files_.sync_directory(above->get()); !synced)
      return failed(synced.error(), "sync above " + lowest.string());
  }
  for (const auto& next : std::views::reverse(missing)) {
    const std::string name = next.filename().string();
    if (auto made = files_.make_directory(at->get(), name); !made && made.error() != EEXIST) {
      return failed(made.error(), "make " + next.string());
    }
    if (auto synced = files_.sync_directory(at->get()); !synced) {
      return failed(synced.error(), "sync " + next.parent_path().string());
    }
    at = files_.open_directory(at->get(), name);
    if (!at) return failed(at.error(), "open " + next.string());
  }
  return make_contents(at->get(), path);
}

std::expected<void, MailboxFailure> MaildirFolders::make_contents(int root,
                                                                  const std::filesystem::path& path) {
  for (const char* name : {"tmp", "cur", "new"}) {
    if (auto made = files_.make_directory(root, name); !made && made.error() != EEXIST) {
      return failed(made.error(), "make " + (path / name).string());
    }
  }
  if (auto synced = files_.sync_directory(root); !synced)
    return failed(synced.error(), "sync " + path.string());
  return {};
}

void MaildirFolders::remove_stale(const MaildirFolder& folder) {
  const auto names = files_.list(folder.tmp.get());
  if (!names) return;
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.utc().time_since_epoch());
  const std::int64_t oldest = (now - std::chrono::nanoseconds(kStale)).count();
  for (const std::string& name : *names) {
    const auto status = files_.status(folder.tmp.get(), name);
    // What can't be removed does no harm; it is tried again when the folder is next opened.
    if (status && !status->directory && status->modified < oldest)
      (void)files_.remove(folder.tmp.get(), name);
  }
}

}  // namespace postrider::deliver
