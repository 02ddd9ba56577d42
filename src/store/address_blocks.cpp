#include "store/address_blocks.hpp"

#include <algorithm>
#include <iterator>

#include "store/record.hpp"

namespace postrider::store {
namespace {

// A row of it just fits a page of 4096 bytes.
constexpr std::size_t kBlockBytes = 4000;
// Before a block is full, the next group may need this much: hash, count and one message.
constexpr std::size_t kGroupBytes = 24;

// What is added to `value`; nothing where the sum is no id.
std::optional<std::int64_t> take_above(std::string_view& bytes, std::int64_t value) {
  const auto more = take_varint(bytes);
  if (!more || *more > static_cast<std::uint64_t>(INT64_MAX - value)) return {};
  return value + static_cast<std::int64_t>(*more);
}

}  // namespace

std::string take_block(std::span<const AddressEntry>& entries) {
  std::string block;
  block.reserve(kBlockBytes + kGroupBytes);
  // At most so many can be in it, unless one hash alone has more; those cost bytes, nothing else.
  const auto candidates = entries.first(std::min<std::size_t>(entries.size(), kBlockBytes / 2));
  const std::int64_t lowest = std::ranges::min(candidates, {}, &AddressEntry::message).message.value;
  put_varint(block, static_cast<std::uint64_t>(lowest));
  std::int64_t hash = entries.front().hash;
  std::size_t at = 0;
  while (at < candidates.size() && block.size() + kGroupBytes <= kBlockBytes) {
    const auto rest = entries.subspan(at);
    const auto other = [&rest](const AddressEntry& entry) { return entry.hash != rest.front().hash; };
    const auto group = rest.first(std::ranges::find_if(rest, other) - rest.begin());
    put_varint(block, static_cast<std::uint64_t>(entries[at].hash - hash));
    put_varint(block, group.size());
    hash = entries[at].hash;
    std::int64_t message = lowest;
    for (const AddressEntry& entry : group) {
      put_varint(block, static_cast<std::uint64_t>(entry.message.value - message));
      message = entry.message.value;
    }
    at += group.size();
  }
  entries = entries.subspan(at);
  return block;
}

bool read_block(std::int64_t first_hash, std::string_view block, std::vector<AddressEntry>& entries) {
  const auto lowest = take_above(block, 0);
  if (!lowest) return false;
  for (std::optional<std::int64_t> hash = first_hash; !block.empty();) {
    hash = take_above(block, *hash);
    const auto count = hash ? take_varint(block) : std::nullopt;
    if (!count || *count > block.size()) return false;
    std::optional<std::int64_t> message = lowest;
    for (std::uint64_t i = 0; i < *count; ++i) {
      message = take_above(block, *message);
      if (!message) return false;
      entries.push_back({*hash, base::MessageId{*message}});
    }
  }
  return true;
}

std::vector<AddressEntry> merge_entries(std::vector<std::vector<AddressEntry>> sorted) {
  if (sorted.empty()) return {};
  for (std::size_t step = 1; step < sorted.size(); step *= 2) {
    for (std::size_t i = 0; i + step < sorted.size(); i += 2 * step) {
      std::vector<AddressEntry> both;
      both.reserve(sorted[i].size() + sorted[i + step].size());
      std::ranges::merge(sorted[i], sorted[i + step], std::back_inserter(both));
      sorted[i] = std::move(both);
      sorted[i + step].clear();
    }
  }
  const auto repeated = std::ranges::unique(sorted.front());
  sorted.front().erase(repeated.begin(), repeated.end());
  return std::move(sorted.front());
}

}  // namespace postrider::store
