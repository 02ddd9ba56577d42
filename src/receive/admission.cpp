#include "receive/admission.hpp"

#include <functional>
#include <string_view>

namespace postrider::receive {
namespace {

base::Network client_network(const base::IpAddress& client) {
  return base::Network::around(client, client.is_v4() ? 32 : 64);
}

}  // namespace

std::size_t Admission::Hash::operator()(const base::Network& network) const {
  return std::hash<std::string_view>{}(network.base().bytes());
}

Admission::Answer Admission::enter(const base::IpAddress& client, std::size_t limit,
                                   std::size_t limit_per_client) {
  std::lock_guard lock(mutex_);
  if (connections_ >= limit) return Answer::server_full;
  const auto network = client_network(client);
  const auto known = by_client_.find(network);
  if ((known == by_client_.end() ? 0 : known->second) >= limit_per_client) return Answer::client_full;
  ++by_client_[network];
  ++connections_;
  return Answer::admitted;
}

void Admission::leave(const base::IpAddress& client) {
  std::lock_guard lock(mutex_);
  --connections_;
  const auto place = by_client_.find(client_network(client));
  if (--place->second == 0) by_client_.erase(place);
}

Admission::Answer Admission::enter_user(std::uint32_t uid, std::size_t limit, std::size_t limit_per_user) {
  std::lock_guard lock(mutex_);
  if (connections_ >= limit) return Answer::server_full;
  const auto known = by_user_.find(uid);
  if ((known == by_user_.end() ? 0 : known->second) >= limit_per_user) return Answer::client_full;
  ++by_user_[uid];
  ++connections_;
  return Answer::admitted;
}

void Admission::leave_user(std::uint32_t uid) {
  std::lock_guard lock(mutex_);
  --connections_;
  const auto place = by_user_.find(uid);
  if (--place->second == 0) by_user_.erase(place);
}

std::size_t Admission::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

mail::Reply no_place(const config::Config& config, Admission::Answer answer) {
  const auto& host = config.hostname.ascii();
  if (answer == Admission::Answer::server_full) {
    return mail::reply(421, 3, 2, host + " too many connections, try again later");
  }
  return mail::reply(421, 7, 0, host + " too many connections from your address");
}

}  // namespace postrider::receive
