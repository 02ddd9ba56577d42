#include "deliver/own_endpoints.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

namespace postrider::deliver {
namespace {

using Addresses = std::vector<base::IpAddress>;

// To list them takes some 20 µs, and each host of each attempt asks.
constexpr std::chrono::seconds kFresh{5};

std::optional<base::IpAddress> address_of(const sockaddr* socket_address) {
  if (socket_address == nullptr) return {};
  if (socket_address->sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(socket_address)->sin_addr, bytes.size());
    return base::IpAddress::v4(bytes);
  }
  if (socket_address->sa_family != AF_INET6) return {};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(socket_address)->sin6_addr, bytes.size());
  return base::IpAddress::v6(bytes);
}

Addresses list_addresses() {
  Addresses addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next)
    if (const auto address = address_of(one->ifa_addr)) addresses.push_back(*address);
  freeifaddrs(list);
  return addresses;
}

std::shared_ptr<const Addresses> machine_addresses() {
  static std::mutex mutex;
  static std::shared_ptr<const Addresses> known;
  static base::SteadyTime asked;
  std::lock_guard lock(mutex);
  const auto now = std::chrono::steady_clock::now();
  if (!known || now - asked > kFresh) {
    known = std::make_shared<const Addresses>(list_addresses());
    asked = now;
  }
  return known;
}

bool is_of_this_machine(const base::IpAddress& address) {
  return std::ranges::count(*machine_addresses(), address) != 0;
}

bool is_link_local(const base::IpAddress& address) {
  static const auto network = base::Network::parse("fe80::/10").value();
  return network.contains(address);
}

bool is_unique_local(const base::IpAddress& address) {
  static const auto network = base::Network::parse("fc00::/7").value();
  return network.contains(address);
}

}  // namespace

OwnEndpoints OwnEndpoints::with(const std::vector<config::Listener>& listeners) const {
  OwnEndpoints all(*this);
  for (const auto& listener : listeners) all.listeners_.emplace_back(listener.address, listener.port);
  return all;
}

bool OwnEndpoints::contains(const base::IpAddress& address, std::uint16_t port) const {
  return std::ranges::any_of(listeners_, [&](const auto& listener) {
    if (listener.second != port) return false;
    if (listener.first == address) return true;
    // To connect to an unspecified address is to connect to this machine.
    return listener.first.is_unspecified()
               ? address.is_loopback() || address.is_unspecified() || is_of_this_machine(address)
               : address.is_unspecified();
  });
}

bool is_reachable(const base::IpAddress& address) {
  return address.is_v4() || address.is_loopback() || is_reachable_from(*machine_addresses(), address);
}

bool is_reachable_from(const std::vector<base::IpAddress>& own, const base::IpAddress& address) {
  if (address.is_v4() || address.is_loopback()) return true;
  return std::ranges::any_of(own, [&](const base::IpAddress& one) {
    return !one.is_v4() && !one.is_loopback() && !is_link_local(one) &&
           is_unique_local(one) == is_unique_local(address);
  });
}

}  // namespace postrider::deliver
