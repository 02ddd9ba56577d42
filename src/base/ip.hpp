// IP addresses and networks as values. No look-ups, no sockets.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::base {

// IPv4 or IPv6. An IPv4-mapped IPv6 address (::ffff:1.2.3.4) becomes the IPv4 address on the way in,
// so that one client has one name.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  // Dotted quad or RFC 4291 2.2 text, without brackets, port and zone.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const { return v4_; }
  bool is_loopback() const;
  bool is_unspecified() const;
  // 4 or 16 bytes, network order.
  std::string_view bytes() const;
  // "192.0.2.1" or "2001:db8::1" (RFC 5952 4).
  std::string to_string() const;
  // "[192.0.2.1]" or "[IPv6:2001:db8::1]". RFC 5321 4.1.3
  std::string to_literal() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v4_ = true;
  std::array<std::uint8_t, 16> bytes_{};
};

// "192.0.2.0/24", "2001:db8::/32", or an address alone (/32, /128). Bits behind the prefix must be zero.
class Network {
 public:
  static std::optional<Network> parse(std::string_view text);
  // The network of `prefix` bits that holds the address; prefix 0 to 32 or 128.
  static Network around(const IpAddress& address, int prefix);

  bool contains(const IpAddress& address) const;
  const IpAddress& base() const { return base_; }
  int prefix() const { return prefix_; }
  std::string to_string() const;
  auto operator<=>(const Network&) const = default;

 private:
  IpAddress base_;
  int prefix_ = 32;
};

}  // namespace postrider::base
