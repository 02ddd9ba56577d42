// Connections that are kept for the next message to the same site.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "deliver/client_session.hpp"
#include "net/gate.hpp"

namespace postrider::deliver {

// Thread rule: the context's one thread; the constructor, and the destructor after close() and the thread's end, on any.
class ClientPool {
 public:
  // At most `most` in all: above it the one that was kept first goes. Those that leave are in the gate.
  ClientPool(boost::asio::io_context& context, net::Gate& gate, std::size_t most);

  // The one that was kept last for `key`, still stands, and is to one of `hosts`; null where there is none.
  std::unique_ptr<ClientSession> take(const std::string& key, const Hosts& hosts);
  // For `idle`; then it leaves.
  void keep(const std::string& key, std::unique_ptr<ClientSession> session, base::Milliseconds idle);
  // Says QUIT, without keeping anybody waiting.
  void leave(std::unique_ptr<ClientSession> session);
  // All leave, and so does what comes later.
  void close();
  std::size_t size() const { return kept_.size(); }

  static constexpr base::Milliseconds kFarewell = std::chrono::seconds(2);

 private:
  struct Kept {
    std::string key;
    std::unique_ptr<ClientSession> session;
    base::SteadyTime until;
  };
  using Place = std::list<Kept>::iterator;

  boost::asio::awaitable<void> say_farewell(std::unique_ptr<ClientSession> session, net::Gate::Pass pass);
  std::unique_ptr<ClientSession> remove(Place place);
  void arm();

  boost::asio::io_context& context_;
  net::Gate& gate_;
  const std::size_t most_;
  std::list<Kept> kept_;  // in the order in which they came
  std::unordered_map<std::string, std::vector<Place>> places_;
  boost::asio::steady_timer timer_;
  bool armed_ = false;
  bool closed_ = false;
};

}  // namespace postrider::deliver
