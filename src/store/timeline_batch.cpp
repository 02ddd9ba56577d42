#include "store/timeline_batch.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "store/timeline_codec.hpp"

namespace postrider::store {
namespace {

// Before each event; behind it stand the hashes of its addresses.
struct Frame {
  std::int64_t message = 0;
  std::int64_t at = 0;
  std::uint32_t event_bytes = 0;
  std::uint32_t hashes = 0;
};
// Of one message; more would be a mistake, and each costs a row of the index.
constexpr std::size_t kMaxAddresses = 5000;

template <class T>
T take(std::string_view& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

}  // namespace

void append_frame(std::string& frames, const Event& event, const HashKey& key) {
  const std::size_t start = frames.size();
  frames.resize(start + sizeof(Frame));
  append_event(frames, event);
  Frame frame{.message = event.message.value,
              .at = event.at.time_since_epoch().count(),
              .event_bytes = static_cast<std::uint32_t>(frames.size() - start - sizeof(Frame)),
              .hashes = static_cast<std::uint32_t>(std::min(event.addresses.size(), kMaxAddresses))};
  std::memcpy(frames.data() + start, &frame, sizeof frame);
  for (const std::string& address : std::span(event.addresses).first(frame.hashes)) {
    const std::int64_t hash = address_hash(key, address);
    frames.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  }
}

TimelineBatch TimelineSorter::sort(std::string_view frames) {
  pieces_.clear();
  entries_.clear();
  rows_.clear();
  events_.clear();
  std::int64_t latest = INT64_MIN;
  while (!frames.empty()) {
    const auto frame = take<Frame>(frames);
    const base::MessageId message{frame.message};
    latest = std::max(latest, frame.at);
    pieces_.push_back({message, frames.substr(0, frame.event_bytes)});
    frames.remove_prefix(frame.event_bytes);
    for (std::uint32_t i = 0; i < frame.hashes; ++i)
      entries_.push_back({take<std::int64_t>(frames), message});
  }
  // Those of one message stay in the order in which they were noted: they lie so.
  std::ranges::sort(pieces_, {},
                    [](const Piece& piece) { return std::pair(piece.message, piece.event.data()); });
  std::ranges::sort(entries_);
  const auto repeated = std::ranges::unique(entries_);
  entries_.erase(repeated.begin(), repeated.end());

  std::size_t total = 0;
  for (const Piece& piece : pieces_) total += piece.event.size();
  events_.reserve(total);  // rows_ points into it
  for (const Piece& piece : pieces_) {
    const char* const from = events_.data() + events_.size();
    events_ += piece.event;
    if (!rows_.empty() && rows_.back().message == piece.message)
      rows_.back().events = {rows_.back().events.data(), rows_.back().events.size() + piece.event.size()};
    else
      rows_.push_back({piece.message, {from, piece.event.size()}});
  }
  return {.rows = rows_,
          .entries = entries_,
          .latest = base::UtcTime(base::Milliseconds(latest)),
          .bytes = total};
}

}  // namespace postrider::store
