// The timeline: no bytes crash its decoders, and what they understand is the same after it was written and read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "store/address_blocks.hpp"
#include "store/timeline_codec.hpp"

namespace {

using namespace postrider;
using namespace postrider::store;

constexpr base::MessageId kMessage{std::int64_t{1'800'000'000'000} << 21};

void require(bool ok) {
  if (!ok) __builtin_trap();
}

void check_events(std::string_view bytes) {
  const auto events = decode_events(kMessage, bytes);
  TimelineAge age;
  if (!events) return;
  require(add_age(kMessage, bytes, age));
  std::string again;
  for (const ReadEvent& read : *events) {
    Event event{read.message, read.recipient, read.at, read.kind, {}, {}, read.last};
    for (const auto& [name, value] : read.facts) event.facts.emplace_back(name, value);
    append_event(again, event);
  }
  const auto second = decode_events(kMessage, again);
  require(second && second->size() == events->size());
  for (std::size_t i = 0; i < events->size(); ++i) {
    const ReadEvent& a = (*events)[i];
    const ReadEvent& b = (*second)[i];
    require(a.at == b.at && a.kind == b.kind && a.recipient == b.recipient && a.last == b.last);
    // Long facts are cut, and too many left out.
    if (bytes.size() < kMaxFactBytes) require(a.facts == b.facts);
  }
}

void check_block(std::string_view bytes) {
  std::vector<AddressEntry> entries;
  if (!read_block(7, bytes, entries) || entries.empty()) return;
  std::ranges::sort(entries);
  const auto repeated = std::ranges::unique(entries);
  entries.erase(repeated.begin(), repeated.end());
  std::vector<AddressEntry> again;
  for (std::span<const AddressEntry> rest = entries; !rest.empty();) {
    const std::int64_t first = rest.front().hash;
    require(read_block(first, take_block(rest), again));
  }
  require(again == entries);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_events(bytes);
  check_block(bytes);
  return 0;
}
