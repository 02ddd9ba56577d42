#include "deliver/maildir_quota.hpp"

#include <cerrno>
#include <utility>

#include "deliver/maildir_name.hpp"

namespace postrider::deliver {

Tried<std::uint64_t> MaildirQuota::used(const std::string& key, int root) {
  if (const Usage* usage = known_.find(key)) {
    const bool fresh = clock_.steady() - usage->counted < kTrust;
    if (fresh && stamps_now(root, *usage) == usage->stamps) return usage->octets;
  }
  auto usage = count(root);
  if (!usage) return std::unexpected(usage.error());
  return known_.put(key, std::move(*usage)).octets;
}

void MaildirQuota::add(const std::string& key, int root, std::uint64_t octets) {
  Usage* usage = known_.find(key);
  if (!usage) return;
  usage->octets += octets;
  usage->stamps = stamps_now(root, *usage);
}

std::vector<MaildirQuota::Stamp> MaildirQuota::stamps_now(int root, const Usage& usage) {
  std::vector<Stamp> now;
  now.reserve(usage.stamps.size());
  for (const Stamp& stamp : usage.stamps) {
    const auto status = files_.status(root, stamp.folder);
    now.push_back({stamp.folder, status ? status->modified : 0});
  }
  return now;
}

Tried<MaildirQuota::Usage> MaildirQuota::count(int root) {
  Usage usage{.octets = 0, .stamps = {}, .counted = clock_.steady()};
  std::vector<std::string> folders = {"new", "cur"};
  const auto entries = files_.list(root);
  if (!entries) return std::unexpected(entries.error());
  for (const std::string& name : *entries) {
    if (!name.starts_with('.')) continue;
    const auto status = files_.status(root, name);
    if (!status || !status->directory) continue;
    folders.push_back(name + "/new");
    folders.push_back(name + "/cur");
  }
  usage.stamps.push_back({".", 0});
  for (const std::string& folder : folders) usage.stamps.push_back({folder, 0});
  // Times first: what changes while we count is counted again next time.
  usage.stamps = stamps_now(root, usage);
  for (const std::string& folder : folders) {
    const auto octets = count_folder(root, folder);
    if (!octets) return std::unexpected(octets.error());
    usage.octets += *octets;
  }
  return usage;
}

Tried<std::uint64_t> MaildirQuota::count_folder(int root, const std::string& folder) {
  auto opened = files_.open_directory(root, folder);
  if (!opened) return opened.error() == ENOENT ? Tried<std::uint64_t>(0) : std::unexpected(opened.error());
  const auto names = files_.list(opened->get());
  if (!names) return std::unexpected(names.error());
  std::uint64_t octets = 0;
  for (const std::string& name : *names) {
    if (const auto size = stored_size(name)) {
      octets += *size;
    } else if (const auto status = files_.status(opened->get(), name)) {
      octets += status->size;
    }
  }
  return octets;
}

}  // namespace postrider::deliver
