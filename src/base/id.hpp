// The name of a message: 63 bits, printed as 13 characters.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace postrider::base {

// Bits from the top: 0, 42 of milliseconds since 1970 (until 2109), 8 of node, 13 of sequence.
// Ids of one node grow in the order in which they were made; the text sorts as the number does.
struct MessageId {
  static constexpr int kNodeBits = 8;
  static constexpr int kSequenceBits = 13;

  std::int64_t value = 0;  // 0 means "none"

  auto operator<=>(const MessageId&) const = default;
  explicit operator bool() const { return value != 0; }

  // The time part. It may be ahead of the true time by the seconds that a restart skipped.
  UtcTime time() const { return UtcTime(Milliseconds(value >> (kNodeBits + kSequenceBits))); }
  // 13 characters of base32: digits, then letters without i, l, o, u; lower case.
  std::string to_string() const;
  // Exactly 13 characters in either case; nothing for another text.
  static std::optional<MessageId> parse(std::string_view text);
  // The lowest id of that millisecond and node.
  static MessageId first(UtcTime time, std::uint8_t node);
};

}  // namespace postrider::base

template <>
struct std::hash<postrider::base::MessageId> {
  std::size_t operator()(postrider::base::MessageId id) const noexcept {
    return std::hash<std::uint64_t>{}(static_cast<std::uint64_t>(id.value) * 0x9E3779B97F4A7C15u);
  }
};
