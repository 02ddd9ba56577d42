#include "wire/proxy/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.hpp"

namespace postrider::wire::proxy {
namespace {

using Parsed = std::expected<ParsedHeader, ProxyFault>;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kMaxText = 107;  // of a version 1 line with its CRLF
constexpr std::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryFixed = 16;  // signature, command, family, length

constexpr std::unexpected kMalformed(ProxyFault::malformed);
constexpr std::unexpected kNeedMore(ProxyFault::need_more);

// One of `a` and `b` is the start of the other.
bool agree(std::string_view a, std::string_view b) {
  const auto common = std::min(a.size(), b.size());
  return a.substr(0, common) == b.substr(0, common);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return {};
  return port;
}

// The next of the fields that single spaces part; empty where there is none.
std::string_view take_field(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

std::optional<ProxyHeader> parse_text_line(std::string_view line) {
  const auto protocol = take_field(line);
  if (protocol == "UNKNOWN") return ProxyHeader{};
  if (protocol != "TCP4" && protocol != "TCP6") return {};
  const bool colons = protocol == "TCP6";
  std::array<std::string_view, 2> texts;
  for (auto& text : texts) text = take_field(line);
  const auto source = base::IpAddress::parse(texts[0]);
  const auto destination = base::IpAddress::parse(texts[1]);
  const auto source_port = parse_port(take_field(line));
  const auto destination_port = parse_port(line);
  if (!source || !destination || !source_port || !destination_port) return {};
  if (std::ranges::any_of(texts, [&](std::string_view text) { return text.contains(':') != colons; }))
    return {};
  return ProxyHeader{Endpoint{*source, *source_port}, Endpoint{*destination, *destination_port}};
}

Parsed parse_text(std::string_view input) {
  const auto head = input.substr(0, kMaxText);
  const auto end = head.find_first_of("\r\n");
  if (end == std::string_view::npos || (head[end] == '\r' && end + 1 == head.size())) {
    if (head.size() == kMaxText) return kMalformed;
    return kNeedMore;
  }
  if (head[end] == '\n' || head[end + 1] != '\n') return kMalformed;
  const auto header = parse_text_line(head.substr(kText.size(), end - kText.size()));
  if (!header) return kMalformed;
  return ParsedHeader{*header, end + 2};
}

std::uint16_t big_endian(std::string_view octets) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(octets[0]) << 8 |
                                    static_cast<std::uint8_t>(octets[1]));
}

template <std::size_t kSize>
std::array<std::uint8_t, kSize> octets_at(std::string_view block, std::size_t offset) {
  std::array<std::uint8_t, kSize> octets{};
  std::ranges::copy(block.substr(offset, kSize), octets.begin());
  return octets;
}

// Source and destination, then their ports; TLVs may follow and are not looked at.
template <std::size_t kSize>
std::optional<ProxyHeader> parse_addresses(std::string_view block,
                                           base::IpAddress (*make)(std::array<std::uint8_t, kSize>)) {
  if (block.size() < 2 * kSize + 4) return {};
  return ProxyHeader{Endpoint{make(octets_at<kSize>(block, 0)), big_endian(block.substr(2 * kSize))},
                     Endpoint{make(octets_at<kSize>(block, kSize)), big_endian(block.substr(2 * kSize + 2))}};
}

std::optional<ProxyHeader> parse_block(char command, char family, std::string_view block) {
  if (command == '\x20') return ProxyHeader{};  // LOCAL: whatever follows is to be skipped
  if (command != '\x21') return {};
  if (family == '\x11') return parse_addresses<4>(block, base::IpAddress::v4);
  if (family == '\x21') return parse_addresses<16>(block, base::IpAddress::v6);
  // UNSPEC, and a stream from a Unix socket, have no address that means something here. Datagrams are no
  // mail.
  if (family == '\x00' || family == '\x31') return ProxyHeader{};
  return {};
}

Parsed parse_binary(std::string_view input) {
  if (input.size() < kBinaryFixed) return kNeedMore;
  const std::size_t length = big_endian(input.substr(14));
  const auto whole = kBinaryFixed + length;
  if (whole > kMaxHeader) return kMalformed;
  if (input.size() < whole) return kNeedMore;
  const auto header = parse_block(input[12], input[13], input.substr(kBinaryFixed, length));
  if (!header) return kMalformed;
  return ParsedHeader{*header, whole};
}

}  // namespace

std::expected<ParsedHeader, ProxyFault> parse_header(std::string_view input) {
  if (input.starts_with(kText)) return parse_text(input);
  if (input.starts_with(kBinary)) return parse_binary(input);
  if (agree(input, kText) || agree(input, kBinary)) return kNeedMore;
  return kMalformed;
}

}  // namespace postrider::wire::proxy
