#include "sys/dns_rdata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace postrider::sys {
namespace dns {
namespace {

std::uint8_t octet(char c) { return static_cast<std::uint8_t>(c); }

void append_label(std::string& out, std::string_view label) {
  for (char c : label) {
    if (base::is_alnum(c) || c == '-' || c == '_')
      out += base::to_lower(c);
    else if (c > ' ' && c < 0x7F && c != '.' && c != '\\')
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "\\{:03}", octet(c));
  }
}

}  // namespace

std::string_view to_string(Error error) {
  constexpr std::array<std::string_view, 6> kNames = {"nxdomain", "nodata", "servfail",
                                                      "timeout",  "bogus",  "malformed"};
  return kNames.at(static_cast<std::size_t>(error));
}

bool is_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > 253 || name.find('\0') != name.npos || name.find('\\') != name.npos) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::size_t size = std::min(dot, name.size());
    if (size == 0 || size > 63) return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::optional<base::IpAddress> parse_a(std::string_view rdata) {
  std::array<std::uint8_t, 4> bytes{};
  if (rdata.size() != bytes.size()) return {};
  std::ranges::transform(rdata, bytes.begin(), octet);
  return base::IpAddress::v4(bytes);
}

std::optional<base::IpAddress> parse_aaaa(std::string_view rdata) {
  std::array<std::uint8_t, 16> bytes{};
  if (rdata.size() != bytes.size()) return {};
  std::ranges::transform(rdata, bytes.begin(), octet);
  return base::IpAddress::v6(bytes);
}

std::optional<Mx> parse_mx(std::string_view rdata) {
  if (rdata.size() < 3) return {};
  auto name = parse_name(rdata.substr(2));
  if (!name) return {};
  return Mx{static_cast<std::uint16_t>(octet(rdata[0]) << 8 | octet(rdata[1])), std::move(*name)};
}

std::optional<std::string> parse_name(std::string_view rdata) {
  if (rdata.empty() || rdata.size() > 255) return {};
  if (rdata == std::string_view("\0", 1)) return ".";
  std::string name;
  while (octet(rdata.front()) != 0) {
    const std::size_t size = octet(rdata.front());
    if (size > 63 || rdata.size() < size + 2) return {};  // the root's octet must still follow
    if (!name.empty()) name += '.';
    append_label(name, rdata.substr(1, size));
    rdata.remove_prefix(size + 1);
  }
  if (rdata.size() != 1) return {};
  return name;
}

std::optional<std::string> parse_txt(std::string_view rdata) {
  if (rdata.empty()) return {};
  std::string text;
  while (!rdata.empty()) {
    const std::size_t size = octet(rdata.front());
    if (rdata.size() < size + 1) return {};
    text += rdata.substr(1, size);
    rdata.remove_prefix(size + 1);
  }
  return text;
}

}  // namespace dns

std::string reverse_name(const base::IpAddress& address) {
  std::string name;
  const auto bytes = address.bytes();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    const unsigned value = dns::octet(*byte);
    if (address.is_v4())
      fmt::format_to(std::back_inserter(name), "{}.", value);
    else
      fmt::format_to(std::back_inserter(name), "{:x}.{:x}.", value & 15, value >> 4);
  }
  return name + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

}  // namespace postrider::sys
