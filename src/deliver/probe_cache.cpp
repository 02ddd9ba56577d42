#include "deliver/probe_cache.hpp"

#include <utility>

namespace postrider::deliver {
namespace {

base::Milliseconds lifetime(const mail::Reply& reply) {
  if (reply.code >= 200 && reply.code < 300) return ProbeCache::kPositive;
  return reply.permanent() ? ProbeCache::kNegative : ProbeCache::kTemporary;
}

}  // namespace

std::optional<mail::Reply> ProbeCache::find(const std::string& recipient, base::SteadyTime now) {
  const auto found = index_.find(recipient);
  if (found == index_.end()) return {};
  if (found->second->until > now) return found->second->reply;
  erase(recipient);
  return {};
}

void ProbeCache::put(const std::string& recipient, mail::Reply reply, base::SteadyTime now) {
  erase(recipient);
  if (entries_.size() >= bound_) erase(std::string(entries_.front().recipient));
  shorten(reply);
  const auto until = now + lifetime(reply);
  entries_.push_back({recipient, std::move(reply), until});
  index_[recipient] = std::prev(entries_.end());
}

void ProbeCache::erase(const std::string& recipient) {
  const auto found = index_.find(recipient);
  if (found == index_.end()) return;
  entries_.erase(found->second);
  index_.erase(found);
}

void shorten(mail::Reply& reply) {
  if (reply.text.size() <= ProbeCache::kText) return;
  std::size_t end = ProbeCache::kText;
  while (end > 0 && (static_cast<unsigned char>(reply.text[end]) & 0xC0u) == 0x80) --end;
  reply.text.resize(end);
}

}  // namespace postrider::deliver
