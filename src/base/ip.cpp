#include "base/ip.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace postrider::base {
namespace {

bool is_mapped(const std::array<std::uint8_t, 16>& bytes) {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; }) && bytes[10] == 0xFF &&
         bytes[11] == 0xFF;
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  if (is_mapped(bytes)) return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  IpAddress address;
  address.v4_ = false;
  address.bytes_ = bytes;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // A NUL would end the text for inet_pton() before its end.
  if (text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return {};
  const std::string terminated(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return {};
}

bool IpAddress::is_loopback() const {
  if (v4_) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.begin() + 15, [](auto b) { return b == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes_, [](auto b) { return b == 0; });
}

std::string_view IpAddress::bytes() const {
  return {reinterpret_cast<const char*>(bytes_.data()), v4_ ? 4u : 16u};
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!v4_) return inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  // inet_ntop goes through sprintf, at twenty times the cost; each message has the client's some five times.
  char* at = text.data();
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, text.data() + text.size(), bytes_[i]).ptr;
  }
  return {text.data(), at};
}

std::string IpAddress::to_literal() const { return (v4_ ? "[" : "[IPv6:") + to_string() + ']'; }

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return {};
  const int longest = address->is_v4() ? 32 : 128;
  int prefix = longest;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc{} || end != digits.data() + digits.size() || prefix < 0 || prefix > longest)
      return {};
  }
  const Network network = around(*address, prefix);
  if (network.base_ != *address) return {};
  return network;
}

Network Network::around(const IpAddress& address, int prefix) {
  Network network;
  network.prefix_ = prefix;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < address.bytes().size(); ++i) {
    const int kept = std::clamp(prefix - static_cast<int>(i) * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(address.bytes()[i]) & (0xFF00u >> kept));
  }
  network.base_ =
      address.is_v4() ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
  return network;
}

bool Network::contains(const IpAddress& address) const {
  return address.is_v4() == base_.is_v4() && around(address, prefix_).base_ == base_;
}

std::string Network::to_string() const { return base_.to_string() + '/' + std::to_string(prefix_); }

}  // namespace postrider::base
