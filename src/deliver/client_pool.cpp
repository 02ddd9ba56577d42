#include "deliver/client_pool.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace postrider::deliver {

namespace asio = boost::asio;

ClientPool::ClientPool(asio::io_context& context, net::Gate& gate, std::size_t most)
    : context_(context), gate_(gate), most_(most), timer_(context) {}

std::unique_ptr<ClientSession> ClientPool::take(const std::string& key, const Hosts& hosts) {
  for (;;) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    const auto last = std::find_if(found->second.rbegin(), found->second.rend(), [&](const Place& place) {
      return hosts.have(place->session->terms().hop);
    });
    if (last == found->second.rend()) return nullptr;
    auto session = remove(*last);
    if (session->is_alive()) return session;
  }
}

void ClientPool::keep(const std::string& key, std::unique_ptr<ClientSession> session,
                      base::Milliseconds idle) {
  if (closed_) return leave(std::move(session));
  if (kept_.size() >= most_) leave(remove(kept_.begin()));
  kept_.push_back({key, std::move(session), std::chrono::steady_clock::now() + idle});
  places_[key].push_back(std::prev(kept_.end()));
  if (!armed_) arm();
}

std::unique_ptr<ClientSession> ClientPool::remove(Place place) {
  auto session = std::move(place->session);
  const auto found = places_.find(place->key);
  std::erase(found->second, place);
  if (found->second.empty()) places_.erase(found);
  kept_.erase(place);
  return session;
}

// Until the oldest one's time: all have the same, but for a reload in between, which makes little difference.
void ClientPool::arm() {
  armed_ = !kept_.empty();
  if (!armed_) return;
  timer_.expires_at(kept_.front().until);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    const auto now = std::chrono::steady_clock::now();
    while (!kept_.empty() && kept_.front().until <= now) leave(remove(kept_.begin()));
    arm();
  });
}

void ClientPool::leave(std::unique_ptr<ClientSession> session) {
  asio::co_spawn(context_, say_farewell(std::move(session), gate_.enter()), asio::detached);
}

asio::awaitable<void> ClientPool::say_farewell(std::unique_ptr<ClientSession> session, net::Gate::Pass) {
  co_await session->quit(kFarewell);
}

void ClientPool::close() {
  closed_ = true;
  timer_.cancel();
  while (!kept_.empty()) leave(remove(kept_.begin()));
}

}  // namespace postrider::deliver
