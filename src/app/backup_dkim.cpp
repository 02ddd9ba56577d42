#include "app/backup_dkim.hpp"

namespace postrider::app {
namespace {

base::Result<SavedDkimDomain> read_domain(const directory::DkimFolder& folder, const mail::Domain& domain) {
  auto list = folder.list(domain);
  if (!list) return std::unexpected(std::move(list.error()));
  SavedDkimDomain saved{domain, std::move(*list), {}};
  for (const auto& each : saved.list) {
    auto pem = folder.key(domain, each.selector);
    if (!pem) return std::unexpected(std::move(pem.error()));
    saved.pems.push_back(std::move(*pem));
  }
  return saved;
}

}  // namespace

SavedDkim read_dkim(const std::filesystem::path& home) {
  const directory::DkimFolder folder(home);
  SavedDkim saved;
  const auto domains = folder.domains();
  if (!domains) {
    saved.faults.push_back(domains.error().log_text());
    return saved;
  }
  for (const auto& domain : *domains) {
    auto one = read_domain(folder, domain);
    if (one)
      saved.domains.push_back(std::move(*one));
    else
      saved.faults.push_back(one.error().log_text());
  }
  return saved;
}

base::Result<void> write_dkim(const SavedDkim& saved, const std::filesystem::path& home) {
  const directory::DkimFolder folder(home);
  const auto lock = folder.lock();
  if (!lock) return std::unexpected(lock.error());
  for (const auto& one : saved.domains) {
    for (std::size_t i = 0; i < one.list.size(); ++i)
      if (auto put = folder.put_key(one.domain, one.list[i].selector, one.pems[i]); !put) return put;
    if (auto put = folder.put_list(one.domain, one.list); !put) return put;
  }
  return {};
}

}  // namespace postrider::app
