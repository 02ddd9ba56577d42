#include "deliver/maildir.hpp"

#include <map>
#include <set>
#include <utility>

#include "deliver/lf_writer.hpp"

namespace postrider::deliver {

std::vector<MailboxResult> Maildir::deliver(const std::vector<MailboxDelivery>& batch) {
  std::vector<MailboxResult> results(batch.size());
  std::vector<Item> items(batch.size());
  pending_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    items[i].delivery = &batch[i];
    items[i].result = &results[i];
    if (prepare(items[i])) write(items[i]);
  }
  sync_data(items);
  for (Item& item : items)
    if (!item.failed()) rename(item);
  sync_folders(items);
  for (Item& item : items) {
    if (item.failed()) continue;
    *item.result = (item.folder->path / (item.cur ? "cur" : "new") / item.final_name).string();
    if (item.delivery->mailbox.quota > 0) {
      quota_.add(item.inbox->path.native(), item.inbox->root.get(), item.sizes.stored);
    }
  }
  return results;
}

bool Maildir::prepare(Item& item) {
  const MailboxDelivery& delivery = *item.delivery;
  auto inbox = folders_.inbox(delivery.mailbox.directory);
  if (!inbox) return fail(item, std::move(inbox.error())), false;
  item.inbox = item.folder = std::move(*inbox);
  if (!delivery.folder.empty()) {
    const auto name = folder_directory(delivery.folder);
    if (!name) return fail(item, {MailboxFault::no_such_folder, "no folder can have that name"}), false;
    auto folder = folders_.subfolder(delivery.mailbox.directory, *name, delivery.missing);
    if (!folder) return fail(item, std::move(folder.error())), false;
    item.folder = std::move(*folder);
  }
  sync_.watch(item.folder->identity.device, item.folder->root.get());
  item.by_file_system = sync_.by_file_system(item.folder->identity.device);
  if (!delivery.flags.empty()) {
    auto cur = files_.open_directory(item.folder->root.get(), "cur");
    if (!cur)
      return fail(item, failure_of(cur.error(), "open " + (item.folder->path / "cur").string())), false;
    item.cur = std::move(*cur);
  }
  return within_quota(item, 1);  // spares the writing where it is full already
}

bool Maildir::write(Item& item) {
  const auto suffix = item.cur ? flags_suffix(item.delivery->flags) : std::string();
  if (!suffix) return fail(item, {MailboxFault::not_ours, "no flags: " + item.delivery->flags}), false;
  item.name = unique_name(clock_, hostname_);
  auto file = files_.create(item.folder->tmp.get(), item.name);
  if (!file) {
    fail(item, failure_of(file.error(), "make " + (item.folder->path / "tmp" / item.name).string()));
    item.name.clear();
    return false;
  }
  item.file = std::move(*file);
  if (!write_content(item)) return false;
  if (item.by_file_system) item.file.close();
  item.final_name = with_sizes(item.name, item.sizes) + *suffix;
  if (!within_quota(item, item.sizes.stored)) return false;
  pending_[item.inbox->path.native()] += item.sizes.stored;
  return true;
}

bool Maildir::write_content(Item& item) {
  LfWriter writer(files_, item.file.get());
  auto written = writer.add(item.delivery->top);
  const auto content = item.delivery->open();
  while (written) {
    const auto piece = content->next();
    if (!piece) return fail(item, {MailboxFault::unwritten, "read: " + piece.error().log_text()}), false;
    if (piece->empty()) break;
    written = writer.add(*piece);
  }
  if (written) written = writer.finish();
  if (!written) return fail(item, failure_of(written.error(), "write " + item.folder->path.string())), false;
  item.sizes = writer.sizes();
  return true;
}

bool Maildir::within_quota(Item& item, std::uint64_t more) {
  const std::uint64_t quota = item.delivery->mailbox.quota;
  if (quota == 0) return true;
  const std::string& key = item.inbox->path.native();
  const auto used = quota_.used(key, item.inbox->root.get());
  if (!used) return fail(item, failure_of(used.error(), "count " + key)), false;
  const auto pending = pending_.find(key);
  const std::uint64_t all = *used + (pending == pending_.end() ? 0 : pending->second);
  if (all + more <= quota) return true;
  fail(item,
       {MailboxFault::over_quota, std::to_string(all) + " of " + std::to_string(quota) + " octets used"});
  return false;
}

void Maildir::sync_devices(std::vector<Item>& items) {
  std::map<std::uint64_t, Tried<void>> done;
  for (Item& item : items) {
    if (item.failed() || !item.by_file_system) continue;
    const std::uint64_t device = item.folder->identity.device;
    if (!done.contains(device)) done[device] = sync_.sync(device);
    if (const auto& synced = done[device]; !synced) {
      fail(item, failure_of(synced.error(), "syncfs " + item.folder->path.string()));
    }
  }
}

void Maildir::sync_data(std::vector<Item>& items) {
  sync_devices(items);
  for (Item& item : items) {
    if (item.failed() || item.by_file_system) continue;
    const auto synced = files_.sync_data(item.file.get());
    item.file.close();
    if (!synced) fail(item, failure_of(synced.error(), "fdatasync " + item.folder->path.string()));
  }
}

void Maildir::rename(Item& item) {
  const auto renamed = files_.rename(item.folder->tmp.get(), item.name, item.target(), item.final_name);
  if (!renamed) return fail(item, failure_of(renamed.error(), "rename " + item.folder->path.string()));
  item.renamed = true;
}

void Maildir::sync_folders(std::vector<Item>& items) {
  // The first sync may have been slow: then the folders are synced one by one already.
  for (Item& item : items) {
    if (!item.failed()) item.by_file_system = sync_.by_file_system(item.folder->identity.device);
  }
  sync_devices(items);
  std::map<int, Tried<void>> done;
  for (Item& item : items) {
    if (item.failed() || item.by_file_system) continue;
    if (!done.contains(item.target())) {
      done[item.target()] = files_.sync_directory(item.target());
      if (!item.folder->entry_synced) {
        auto entries = files_.sync_directory(item.folder->root.get());
        item.folder->entry_synced = entries.has_value();
        if (!entries) done[item.target()] = entries;
      }
    }
    if (const auto& synced = done[item.target()]; !synced) {
      fail(item, failure_of(synced.error(), "fsync " + item.folder->path.string()));
    }
  }
}

void Maildir::fail(Item& item, MailboxFailure failure) {
  item.file.close();
  // As well as can be: a file in tmp/ harms nobody, one in new/ would be a second copy after the next attempt.
  if (item.renamed) {
    (void)files_.remove(item.target(), item.final_name);
  } else if (!item.name.empty()) {
    (void)files_.remove(item.folder->tmp.get(), item.name);
  }
  *item.result = std::unexpected(std::move(failure));
}

}  // namespace postrider::deliver
