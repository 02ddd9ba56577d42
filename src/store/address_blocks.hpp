// The timeline's address index as bytes: entries sorted by hash in blocks that fill a page each.
// docs/timeline-format.md has the layout. Pure; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.hpp"

namespace postrider::store {

// A message had this address.
struct AddressEntry {
  std::int64_t hash = 0;  // address_hash(): at most kHashBits
  base::MessageId message;
  auto operator<=>(const AddressEntry&) const = default;
};

// From the front of `entries`, which are sorted, each once, and not empty: as many as fit, but all of one hash stay
// together. The hash of the first is not in it. Removes them from the span.
std::string take_block(std::span<const AddressEntry>& entries);

// Appends its entries; `first_hash` is what take_block() left out. False where the bytes are damaged.
bool read_block(std::int64_t first_hash, std::string_view block, std::vector<AddressEntry>& entries);

// Sorted, each once.
std::vector<AddressEntry> merge_entries(std::vector<std::vector<AddressEntry>> sorted);

}  // namespace postrider::store
