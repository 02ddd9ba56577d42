#include "base/id.hpp"

#include "base/ascii.hpp"

namespace postrider::base {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kCharacters = 13;

}  // namespace

std::string MessageId::to_string() const {
  std::string text(kCharacters, '0');
  auto rest = static_cast<std::uint64_t>(value);
  for (int i = kCharacters - 1; i >= 0; --i, rest >>= 5) text[i] = kAlphabet[rest & 31];
  return text;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
  if (text.size() != kCharacters) return {};
  // The first character holds 60 to 64 of which only three bits can be set in a positive id.
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(to_lower(c));
    if (digit == std::string_view::npos) return {};
    if (value >> 58) return {};
    value = value << 5 | digit;
  }
  if (value == 0 || value >> 63) return {};
  return MessageId{static_cast<std::int64_t>(value)};
}

MessageId MessageId::first(UtcTime time, std::uint8_t node) {
  return {time.time_since_epoch().count() << (kNodeBits + kSequenceBits) | static_cast<std::int64_t>(node)
                                                                               << kSequenceBits};
}

}  // namespace postrider::base
