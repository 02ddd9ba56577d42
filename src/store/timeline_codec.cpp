#include "store/timeline_codec.hpp"

#include <algorithm>
#include <array>

#include "store/record.hpp"

namespace postrider::store {
namespace {

// Stored as their place from 1: append only, never reorder.
constexpr std::array<std::string_view, 43> kNames = {
    "site",    "host",     "address",  "tls",        "took",   "result",   "transcript", "reply",
    "next",    "state",    "relay",    "detail",     "from",   "to",       "client",     "helo",
    "name",    "listener", "protocol", "identity",   "size",   "decision", "why",        "recipient",
    "alias",   "original", "message",  "about",      "told",   "who",      "what",       "until",
    "attempt", "envid",    "route",    "recipients", "sender", "reason",   "enhanced",   "expires",
    "of",      "by",       "change"};
constexpr std::size_t kLongestName = 10;

constexpr std::uint64_t kHasRecipient = 1;
constexpr std::uint64_t kIsLast = 2;
constexpr int kFlagBits = 2;

// Where the names of each length stand, so that a look-up compares two or three.
struct ByLength {
  std::array<std::array<std::uint8_t, 12>, kLongestName + 1> numbers{};  // 0 ends each
};
constexpr ByLength sort_names() {
  ByLength table;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    auto& row = table.numbers[kNames[i].size()];
    *std::ranges::find(row, 0) = static_cast<std::uint8_t>(i + 1);
  }
  return table;
}
constexpr ByLength kByLength = sort_names();

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out += bytes;
}
std::optional<std::string_view> take_bytes(std::string_view& bytes) {
  const auto size = take_varint(bytes);
  if (!size || *size > bytes.size()) return {};
  const std::string_view taken = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return taken;
}

// What stands before the facts.
struct Head {
  EventKind kind{};
  bool last = false;
  base::UtcTime at{};
  std::optional<std::uint32_t> recipient;
};

std::optional<Head> take_head(base::MessageId message, std::string_view& event) {
  const auto word = take_varint(event);
  const auto offset = word ? take_varint(event) : std::nullopt;
  if (!offset) return {};
  const std::uint64_t kind = *word >> kFlagBits;
  if (kind == 0 || kind > UINT8_MAX) return {};
  Head head{.kind = static_cast<EventKind>(kind), .last = (*word & kIsLast) != 0, .recipient = {}};
  // Unsigned: damaged bytes may name any time.
  const auto start = static_cast<std::uint64_t>(message.time().time_since_epoch().count());
  const auto at = start + static_cast<std::uint64_t>(unzigzag(*offset));
  head.at = base::UtcTime(base::Milliseconds(static_cast<std::int64_t>(at)));
  if ((*word & kHasRecipient) == 0) return head;
  const auto index = take_varint(event);
  if (!index || *index > UINT32_MAX) return {};
  head.recipient = static_cast<std::uint32_t>(*index);
  return head;
}

bool take_facts(std::string_view event, ReadEvent& into) {
  while (!event.empty()) {
    const auto number = take_varint(event);
    if (!number) return false;
    std::string_view name = fact_name(*number);
    if (*number == 0) {
      const auto literal = take_bytes(event);
      if (!literal) return false;
      name = *literal;
    }
    const auto value = take_bytes(event);
    if (!value) return false;
    // A newer binary's names have no words here.
    into.facts.emplace_back(
        *number != 0 && name.empty() ? "fact" + std::to_string(*number) : std::string(name),
        std::string(*value));
  }
  return true;
}

}  // namespace

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::accepted:
      return "accepted";
    case EventKind::expanded:
      return "expanded";
    case EventKind::attempt:
      return "attempt";
    case EventKind::deferred:
      return "deferred";
    case EventKind::ended:
      return "ended";
    case EventKind::notified:
      return "notified";
    case EventKind::changed:
      return "changed";
    case EventKind::lost:
      return "lost";
  }
  return "unknown";  // of a newer binary
}

std::uint64_t fact_number(std::string_view name) {
  if (name.size() > kLongestName) return 0;
  for (const std::uint8_t number : kByLength.numbers[name.size()]) {
    if (number == 0 || kNames[number - 1u] == name) return number;
  }
  return 0;
}

std::string_view fact_name(std::uint64_t number) {
  return number == 0 || number > kNames.size() ? std::string_view() : kNames[number - 1];
}

void append_event(std::string& out, const Event& event) {
  thread_local std::string body;  // its length stands before it
  body.clear();
  const std::uint64_t flags = (event.recipient ? kHasRecipient : 0) | (event.last ? kIsLast : 0);
  put_varint(body, static_cast<std::uint64_t>(event.kind) << kFlagBits | flags);
  const auto at = static_cast<std::uint64_t>(event.at.time_since_epoch().count());
  const auto start = static_cast<std::uint64_t>(event.message.time().time_since_epoch().count());
  put_varint(body, zigzag(static_cast<std::int64_t>(at - start)));
  if (event.recipient) put_varint(body, *event.recipient);
  for (const auto& [name, whole] : event.facts) {
    const std::string_view value = std::string_view(whole).substr(0, kMaxFactBytes);
    if (body.size() + name.size() + value.size() + 30 > kMaxEventBytes) break;
    const std::uint64_t number = fact_number(name);
    put_varint(body, number);
    if (number == 0) put_bytes(body, name);
    put_bytes(body, value);
  }
  put_bytes(out, body);
}

std::optional<std::vector<ReadEvent>> decode_events(base::MessageId message, std::string_view bytes) {
  std::vector<ReadEvent> events;
  while (!bytes.empty()) {
    auto event = take_bytes(bytes);
    const auto head = event ? take_head(message, *event) : std::nullopt;
    if (!head) return {};
    ReadEvent& read = events.emplace_back(message, head->recipient, head->at, head->kind);
    read.last = head->last;
    if (!take_facts(*event, read)) return {};
  }
  return events;
}

bool add_age(base::MessageId message, std::string_view bytes, TimelineAge& age) {
  while (!bytes.empty()) {
    auto event = take_bytes(bytes);
    const auto head = event ? take_head(message, *event) : std::nullopt;
    if (!head) return false;
    age.latest = std::max(age.latest, head->at);
    if (head->last) age.ended = std::max(age.ended.value_or(head->at), head->at);
  }
  return true;
}

}  // namespace postrider::store
